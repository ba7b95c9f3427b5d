// The self-unpacking script, with a small program inside, on a machine that has other users.

import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { selfUnpacking } from "../../../../packaging/executable/self-unpacking.ts";

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** A file whose program prints `genuine`. */
async function world() {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-self-unpacking-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const program = (path: string, says: string) => {
    writeFileSync(path, `#!/bin/sh\necho ${says}\n`);
    chmodSync(path, 0o755);
  };
  const parts = join(directory, "parts");
  mkdirSync(parts);
  program(join(parts, "sallyport"), "genuine");
  const archive = execFileSync("tar", ["-czf", "-", "-C", parts, "sallyport"]);
  const file = join(directory, "sallyport");
  writeFileSync(file, await selfUnpacking("1.2.3", "linux-musl-x64", archive), { mode: 0o755 });
  const cache = join(directory, "cache");
  const place = join(cache, `sallyport-unpacked-${process.getuid?.()}`);
  const run = (path = process.env.PATH ?? "") =>
    spawnSync("sh", [file], { env: { PATH: path, XDG_CACHE_HOME: cache }, encoding: "utf8" });
  return { directory, place, program, run };
}

test("it unpacks its program once, into a directory that nobody else can write to", async () => {
  const { place, program, run } = await world();
  expect(run()).toMatchObject({ status: 0, stdout: "genuine\n", stderr: "" });
  const names = readdirSync(place);
  expect(names).toEqual([expect.stringMatching(/^1\.2\.3-[0-9a-f]{16}$/)]);
  program(join(place, names[0] ?? "", "sallyport"), "unpacked");
  expect(run().stdout).toBe("unpacked\n");
});

test.skipIf(!isRoot)(
  "a link that another user exchanges while it is looked at leads to nothing",
  async () => {
    const { directory, place, program, run } = await world();
    run();
    const [name = ""] = readdirSync(place);
    // In place of our directory, a link to it; in place of the link, in the middle of the check, theirs.
    const [ours, theirs, tools] = ["ours", "theirs", "tools"].map((leaf) => join(directory, leaf)) as [
      string,
      string,
      string,
    ];
    execFileSync("mv", [place, ours]);
    symlinkSync(ours, place);
    mkdirSync(join(theirs, name), { recursive: true });
    program(join(theirs, name, "sallyport"), "theirs");
    chownSync(theirs, NOBODY, NOBODY);
    mkdirSync(tools);
    const exchange = `if [ -L ${place} ]; then rm ${place}; mv ${theirs} ${place}; fi`;
    const wrap = (tool: string, before: string) => {
      const text = `#!/bin/sh\n${before}\nPATH=\${PATH#*:} exec ${tool} "$@"\n`;
      writeFileSync(join(tools, tool), text, { mode: 0o755 });
    };
    wrap("ls", exchange);
    // Only the test's own directory is used.
    wrap("mkdir", `case "$*" in *${directory}*) ;; *) exit 1 ;; esac`);
    expect(run(`${tools}:${process.env.PATH}`)).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining(`tried ${place} /var/tmp/`),
    });
  },
);
