// The environment of each Node that Sallyport starts for itself, without a person's debugger, preloaded scripts or test
// settings, which could end a tunnel before its first line of code. An organisation's NODE_EXTRA_CA_CERTS stays. Pure.

/** Variables that change which code Node runs, what it trusts, and where it prints (node(1)). */
export const FOREIGN_TO_NODE = [
  "NODE_OPTIONS",
  "NODE_TLS_REJECT_UNAUTHORIZED",
  "NODE_PATH",
  "NODE_DEBUG",
  "NODE_DEBUG_NATIVE",
  "NODE_V8_COVERAGE",
  "NODE_REDIRECT_WARNINGS",
  "NODE_PRESERVE_SYMLINKS",
  "NODE_PENDING_DEPRECATION",
  "NODE_COMPILE_CACHE",
] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** `env` without them, in upper or lower case: on Windows the names of variables ignore case. */
export function nodeEnvironment(env: Environment): Record<string, string | undefined> {
  const foreign: ReadonlySet<string> = new Set(FOREIGN_TO_NODE);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.has(name.toUpperCase())));
}

/**
 * A command line that starts Node with an empty NODE_OPTIONS, which is as good as none. Windows has no env(1) (POSIX.1-2017,
 * XCU env): there the program that starts the command has to leave the variable out.
 */
export function withoutNodeOptions(command: readonly string[], platform: NodeJS.Platform): readonly string[] {
  return platform === "win32" ? command : ["env", "NODE_OPTIONS=", ...command];
}
