// Nothing of the tests touches the home of the person who runs them: what they start gets an empty one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Variables that name places in the person's home, or programs' ways to get there. */
const PLACES = /^(HOME|NODE_OPTIONS|SSH_AUTH_SOCK|npm_config_cache|(XDG|CODE_SERVER|VSCODE)_.*)$/i;

/** The environment without all that leads into the person's home. */
export function withoutPlaces(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PLACES.test(name)));
}

/**
 * Runs `use` with the environment of a person who has just got this machine: an empty home, which is removed
 * afterwards. npm, node-gyp and code-server each write into the home that they are started with, code-server even for
 * `--version`.
 */
export function inOwnHome<T>(person: NodeJS.ProcessEnv, use: (env: NodeJS.ProcessEnv) => T): T {
  const home = mkdtempSync(join(tmpdir(), "sallyport-e2e-home-"));
  try {
    // npm's cache is named, since a person's .npmrc may name another one.
    return use({ ...withoutPlaces(person), HOME: home, npm_config_cache: join(home, ".npm") });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
