// An upgrade in a process of its own. It may kill itself just before it changes the file system for the n-th time. On stdout: the
// number of changes, or the code of the failure.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";

const CHANGES = [
  "chmodSync",
  "copyFileSync",
  "fchmodSync",
  "ftruncateSync",
  "linkSync",
  "mkdirSync",
  "mkdtempSync",
  "openSync",
  "renameSync",
  "rmSync",
  "symlinkSync",
  "writeFileSync",
  "writeSync",
] as const;

const [installation = "", release = "", keys = "", killAt = ""] = process.argv.slice(2);
const { path, place = dirname(path) } = JSON.parse(installation);
/** Node itself opens files, too: only what is below the program's directory counts, and file descriptors. */
const counts = (args: readonly unknown[]): boolean =>
  args.some((arg, index) => index < 2 && typeof arg === "string" && arg.startsWith(place)) ||
  typeof args[0] === "number";
let changes = 0;
for (const name of CHANGES) {
  const original = fs[name];
  Object.assign(fs, {
    [name]: (...args: unknown[]): unknown => {
      if (counts(args)) changes++;
      if (changes > 0 && changes === Number(killAt)) process.kill(process.pid, "SIGKILL");
      return Reflect.apply(original, fs, args);
    },
  });
}
syncBuiltinESMExports();

const [{ upgrade }, { directorySource }, { CommandError }] = await Promise.all([
  import("../../../agent/client/upgrade/upgrade.ts"),
  import("../../../agent/client/upgrade/release-source.ts"),
  import("../../../agent/platform/command-error.ts"),
]);
try {
  await upgrade({
    installation: JSON.parse(installation),
    running: "1.0.0",
    platform: "linux-x64",
    source: () => directorySource(release),
    keys: [keys],
    version: undefined,
    signal: AbortSignal.timeout(100_000),
  });
  process.stdout.write(String(changes));
} catch (error) {
  process.stdout.write(error instanceof CommandError ? error.code : String(error));
}
