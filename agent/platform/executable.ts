// This program as people start it: a script that Node runs, or one executable that has Node and everything else inside
// (packaging/executable/). The executable's boot script leaves a description of itself, which is read here.
//
// Small scripts of ours need a process of their own. Node runs them with `-e`; the executable has no such option, so a hidden
// command finds the script by its name there (agent/cli/run-helper.ts).

import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** What the boot script of the executable offers. */
export interface Executable {
  /** What people start, absolute: the executable itself, or the self-unpacking script that it came out of. */
  readonly path: string;
  /** A file that was built in, such as `quickjs.wasm`. @throws Error if there is none of this name */
  asset(name: string): Uint8Array;
}

/** The boot script sets it before it loads anything of ours. */
const PLACE = Symbol.for("sallyport.executable");

/** undefined: Node runs a script. */
export function executable(): Executable | undefined {
  return (globalThis as { [PLACE]?: Executable })[PLACE];
}

/** The command line that starts this program again: the executable, or Node and the script. */
export function ownProgram(): readonly [string, ...string[]] {
  const self = executable();
  return self === undefined ? [process.execPath, resolve(process.argv[1] ?? "sallyport")] : [self.path];
}

/**
 * The path under which later versions of the executable will be found too: install.sh puts each version into a directory
 * `versions/` and a link to the newest beside that.
 */
export function lastingPath(path: string): string {
  const versions = dirname(dirname(path));
  if (basename(versions) !== "versions") return path;
  const link = join(dirname(versions), basename(path));
  try {
    return realpathSync(link) === realpathSync(path) ? link : path;
  } catch {
    // There is no link: the directory only has the name by chance.
    return path;
  }
}

/** The hidden command, followed by the name of a script and the script's arguments. */
export const HELPER_COMMAND = "helper-process";

/**
 * In the script, `process.argv` has the program and then the arguments, and `require` finds Node's modules and files by path.
 */
export interface HelperScript {
  readonly name: string;
  readonly source: string;
}

/** The command line up to the script's arguments. */
export function helperCommand({ name, source }: HelperScript): readonly [string, ...string[]] {
  const self = executable();
  return self === undefined
    ? [process.execPath, "--no-warnings", "-e", source, "--"]
    : [self.path, HELPER_COMMAND, name];
}
