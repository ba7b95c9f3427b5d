// Words of command lines that people are told to run, and of those that ssh runs. Pure.

/**
 * One word for sh, bash, zsh, fish and csh alike. ssh runs a ProxyCommand by the person's own shell (ssh_config(5)).
 * Quotes and backslashes stay outside of the single quotes: fish reads `\\` inside them, and so does ssh while it checks
 * that an option's quotes are balanced.
 */
export function quoteForShell(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (word === "") return "''";
  return word
    .split(/(['\\])/)
    .map((part) => (part === "'" || part === "\\" ? `\\${part}` : part === "" ? "" : `'${part}'`))
    .join("");
}
