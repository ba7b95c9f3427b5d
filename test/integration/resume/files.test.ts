// Files of both kinds, one large and many small, by what people use: through a way that is cut again and again.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run, World } from "../../chaos/world.ts";
import { LONG } from "../../support/long.ts";

let world: World;
let cutting: NodeJS.Timeout;
beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  clearInterval(cutting);
  await world.stop();
});

/** From the first bytes on, since nothing resumes what is not connected yet; and again once as many have moved. */
function cutOften(): void {
  let turn = 0;
  let quiet = world.near.bytes;
  cutting = setInterval(() => {
    if (world.near.bytes <= quiet + 20_000) return;
    quiet = world.near.bytes;
    (turn++ % 2 === 0 ? world.near : world.far).reset();
  }, 800);
}

function manySmallFiles(count: number): string {
  const from = join(world.directory, "tree");
  for (let i = 0; i < count; i++) {
    mkdirSync(join(from, `d${i % 20}`), { recursive: true });
    writeFileSync(join(from, `d${i % 20}`, `f${i}`), randomBytes(1 + ((i * 37) % 4000)));
  }
  return from;
}

const same = async (a: string, b: string) => expect((await run("diff", ["-r", a, b])).stdout).toBe("");

test("rsync of many small files continues by itself", async ({ skip }) => {
  if (
    await run("rsync", ["--version"]).then(
      () => false,
      () => true,
    )
  )
    return skip("rsync is not installed");
  const [from, to] = [manySmallFiles(1500), join(world.directory, "copy")];
  cutOften();
  const ssh = `ssh -F ${world.stack.sshConfig}`;
  const { stderr } = await run("rsync", ["-a", "--bwlimit=1500", "-e", ssh, `${from}/`, `dev:${to}/`]);
  expect(stderr).toBe("");
  await same(from, to);
});

test("scp and sftp of a tree and of a large file go on by themselves", LONG, async () => {
  const [from, to] = [manySmallFiles(150), join(world.directory, "copy")];
  const large = join(world.directory, "large");
  writeFileSync(large, randomBytes(8 * 1024 * 1024));
  cutOften();
  const scp = await run("scp", ["-r", "-q", "-F", world.stack.sshConfig, from, `dev:${to}`]);
  clearInterval(cutting);
  await world.registered();
  cutOften();
  const batch = join(world.directory, "batch");
  writeFileSync(batch, `put ${large} ${large}.there\nget ${large}.there ${large}.back\n`);
  const sftp = await run("sftp", ["-q", "-l", "20000", "-F", world.stack.sshConfig, "-b", batch, "dev"]);
  expect([scp.stderr, sftp.stderr]).toEqual(["", ""]);
  await same(from, to);
  await same(large, `${large}.back`);
});
