// Quotes words for the three readers of an ssh command line: a POSIX shell, Windows' argument splitting, and ssh's option
// parser. Pure.

import { quoteForShell } from "../../../protocol/values/shell-word.ts";

/** One argument as CommandLineToArgvW reads it; backslashes count only before a quote. */
export function quoteForWindows(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./\\-]+$/.test(word)) return word;
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

/** A command line that a person can paste. */
export function quoteCommand(words: readonly string[], platform: NodeJS.Platform): string {
  return words.map(platform === "win32" ? quoteForWindows : quoteForShell).join(" ");
}

/**
 * The value of a ProxyCommand option: the words quoted for the shell that runs them, and each `%` doubled, because ssh first
 * replaces tokens such as %h. On Windows paths get forward slashes, which ssh and the shells there accept and none removes.
 */
export function proxyCommand(words: readonly string[], platform: NodeJS.Platform): string {
  const quoted =
    platform === "win32"
      ? words.map((word) => quoteForWindows(isWindowsPath(word) ? word.replaceAll("\\", "/") : word))
      : words.map(quoteForShell);
  return quoted.join(" ").replaceAll("%", "%%");
}

/**
 * The value of an option that is one path: quoted, since some of them take several, `%` doubled for those that take tokens
 * (ssh_config(5), TOKENS).
 */
export function optionPath(
  path: string,
  platform: NodeJS.Platform,
  takes: "tokens" | "no-tokens" = "tokens",
): string {
  const plain = platform === "win32" ? path.replaceAll("\\", "/") : path;
  const literal = takes === "tokens" ? plain.replaceAll("%", "%%") : plain;
  const escaped = literal.replace(/[\\"]/g, "\\$&");
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

function isWindowsPath(word: string): boolean {
  return /^(?:[A-Za-z]:)?\\/.test(word) || /^[A-Za-z]:[\\/]/.test(word);
}
