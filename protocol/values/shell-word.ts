// Quotes words for command lines that people are told to run, and for those that ssh runs. Pure.

/**
 * Quotes one word for sh, bash, zsh, fish and csh alike: ssh runs a ProxyCommand with the person's own shell (ssh_config(5)).
 * Quotes and backslashes stay outside the single quotes, since fish interprets `\\` inside them, and so does ssh when it
 * checks that an option's quotes are balanced.
 */
export function quoteForShell(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (word === "") return "''";
  return word
    .split(/(['\\])/)
    .map((part) => (part === "'" || part === "\\" ? `\\${part}` : part === "" ? "" : `'${part}'`))
    .join("");
}
