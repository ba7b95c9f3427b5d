// `sallyport gateway backup`: the archive of a running gateway, unpacked elsewhere, is the same gateway.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { command } from "../../../gateway/program/command.ts";
import { CLI } from "../../../scripts/repository.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";

async function backup(dataDir: string) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough().setEncoding("utf8")];
  const env = { SALLYPORT_DATA: dataDir };
  const { signal } = new AbortController();
  const archive = buffer(stdout);
  const code = await command.run(["backup"], { env, stdin: process.stdin, stdout, stderr, signal });
  stdout.end();
  return { code, archive: await archive, said: String(stderr.read() ?? "") };
}

test("a restored backup has the accounts, tokens, host keys and certificates of the moment", async () => {
  const running = await testGateway();
  const ada = await running.account("ada");
  mkdirSync(join(running.dataDir, "acme", "authority.example"), { recursive: true, mode: 0o700 });
  writeFileSync(join(running.dataDir, "acme", "authority.example", "account.pem"), "key", { mode: 0o600 });
  const before = readdirSync(running.dataDir).sort();
  const { code, archive, said } = await backup(running.dataDir);
  expect({ code, said }).toEqual({ code: 0, said: "" });
  expect(readdirSync(running.dataDir).sort()).toEqual(before);

  const restored = join(temporaryDirectory(), "data");
  mkdirSync(restored, { mode: 0o700 });
  execFileSync("tar", ["-xf", "-", "-C", restored], { input: archive });
  expect(readdirSync(restored).sort()).toEqual(["acme", "gateway.db", "host-keys", "identity.key"]);
  expect(statSync(join(restored, "gateway.db")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(restored, "acme/authority.example/account.pem"), "utf8")).toBe("key");
  const again = await testGateway({ dataDir: restored });
  expect(again.gateway.adminToken).toBeUndefined();
  expect(await again.call("GET", "/me", ada.token)).toMatchObject({
    status: 200,
    body: { account: { name: "ada" } },
  });
  expect(again.gateway.hostKeys.publicKeys).toEqual(running.gateway.hostKeys.publicKeys);
});

test.skipIf(process.platform === "win32")("a file that others can read is told of", async () => {
  const { dataDir } = await testGateway();
  const run = (umask: string) => {
    const words = ["-c", `umask ${umask}; exec "$0" "$@" > archive-${umask}`, process.execPath, CLI];
    const cwd = temporaryDirectory();
    return spawnSync("sh", [...words, "gateway", "backup", "--data", dataDir], { encoding: "utf8", cwd });
  };
  expect(run("022")).toMatchObject({ status: 0, stderr: expect.stringContaining("umask 077") });
  expect(run("077")).toMatchObject({ status: 0, stderr: "" });
});

test("without a gateway's data, or with a damaged database, there is one line, and nothing is left behind", async () => {
  const nowhere = temporaryDirectory();
  expect(await backup(nowhere)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^sallyport: file: There is no/),
  });
  const damaged = temporaryDirectory();
  writeFileSync(join(damaged, "gateway.db"), "not a database\n".repeat(1_000), { mode: 0o600 });
  expect(await backup(damaged)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/^sallyport: file: .*\n$/),
  });
  expect(readdirSync(damaged)).toEqual(["gateway.db"]);
});
