// The tests never touch the home of the person who runs them: the programs that they start get an empty one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Variables that lead into the person's home. */
const PLACES = /^(HOME|NODE_OPTIONS|SSH_AUTH_SOCK|npm_config_cache|(XDG|CODE_SERVER|VSCODE)_.*)$/i;

/** The environment without what leads into the person's home. */
export function withoutPlaces(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PLACES.test(name)));
}

/** Runs `use` with the environment of a new machine: an empty home, which is removed afterwards. npm, node-gyp and code-server each write into the home that they are started with, code-server even for
 * `--version`.
 */
export function inOwnHome<T>(person: NodeJS.ProcessEnv, use: (env: NodeJS.ProcessEnv) => T): T {
  const home = mkdtempSync(join(tmpdir(), "sallyport-e2e-home-"));
  try {
    // npm's cache is set here, since a person's .npmrc may name a different one.
    return use({ ...withoutPlaces(person), HOME: home, npm_config_cache: join(home, ".npm") });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
