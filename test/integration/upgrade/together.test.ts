// An upgrade that was held up for so long (its machine slept, its container was frozen) that another one took its lock.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { directorySource, type ReleaseSource } from "../../../agent/client/upgrade/release-source.ts";
import { upgrade } from "../../../agent/client/upgrade/upgrade.ts";
import {
  fakeRelease,
  installedFile,
  PLATFORM,
  signer,
  temporaryDirectory,
} from "../../support/fake-release.ts";

const ours = signer();
const signal = AbortSignal.timeout(60_000);

test("it does not put what the other one has half downloaded in the place of the program", async () => {
  const installation = installedFile("1.0.0");
  const run = (source: ReleaseSource) =>
    upgrade({
      installation,
      platform: PLATFORM,
      source: () => source,
      keys: ours.keys,
      signal,
      running: "1.0.0",
      version: undefined,
    });
  const installed = () => JSON.parse(execFileSync(installation.path, { encoding: "utf8" })).version;

  const [started, go] = ["started", "go"].map((name) => join(temporaryDirectory(), name)) as [string, string];
  const waits = `: >${started}; while ! [ -e ${go} ]; do sleep 0.05; done`;
  const first = run(directorySource(await fakeRelease("1.1.0", ours, waits)));
  await expect.poll(() => existsSync(started)).toBe(true);
  const lock = join(dirname(installation.path), ".sallyport-upgrade.lock");
  rmSync(lock);
  symlinkSync(`${spawnSync("true").pid} ${hostname()}`, lock);

  const release = await fakeRelease("1.1.0", ours);
  const { promise: halfway, resolve: isHalfway } = Promise.withResolvers<void>();
  const { promise: goOn, resolve: finish } = Promise.withResolvers<void>();
  const second = run({
    ...directorySource(release),
    async open({ name }) {
      const bytes = readFileSync(join(release, name));
      async function* halves() {
        yield bytes.subarray(0, 10);
        // It is asked for the next one when this one is written.
        isHalfway();
        await goOn;
        yield bytes.subarray(10);
      }
      return { offset: 0, bytes: halves() };
    },
  });
  await halfway;
  writeFileSync(go, "");
  await expect(first).rejects.toMatchObject({ stage: "file" });
  expect(installed()).toBe("1.0.0");
  finish();
  await second;
  expect(installed()).toBe("1.1.0");
});
