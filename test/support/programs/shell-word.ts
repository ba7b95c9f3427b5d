// Quoting for the commands and configs that the demo writes and prints.

/** `text` as one word of a POSIX shell, quoted only where it has to be, so that printed commands stay readable. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `text` as one argument in ssh_config(5): there, only double quotes group, and `%` begins a token. */
export function sshConfigWord(text: string): string {
  return `"${text.replaceAll("%", "%%")}"`;
}
