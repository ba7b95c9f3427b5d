// Other versions of Node on this machine, for what has to run on them.

import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

/** Path of a `node` of that major version, or undefined if the PATH has none. */
export function nodeOfMajor(major: number): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "node"));
  return [process.execPath, ...candidates].find((path) => {
    const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    return stdout?.startsWith(`v${major}.`) ?? false;
  });
}
