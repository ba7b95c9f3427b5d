// An upgrade that is killed at any moment leaves a program that can be started, and the next one cleans up.

import { execFile, execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { goBack, type OwnInstallation, startedAs } from "../../../agent/client/upgrade/install.ts";
import { directorySource } from "../../../agent/client/upgrade/release-source.ts";
import { upgrade } from "../../../agent/client/upgrade/upgrade.ts";
import { ROOT } from "../../../scripts/repository.ts";
import {
  fakeRelease,
  installedByScript,
  installedFile,
  PLATFORM,
  signer,
} from "../../support/fake-release.ts";
import { shortAndLong } from "../../support/long.ts";

const run = promisify(execFile);
const ours = signer();
const signal = AbortSignal.timeout(300_000);
const PROGRAM = join(ROOT, "test", "integration", "upgrade", "one-upgrade.ts");
const TOGETHER = 4;

const LAYOUTS: readonly [string, () => OwnInstallation, string[]][] = [
  ["one file", () => installedFile("1.0.0"), ["sallyport", "sallyport.old"]],
  ["by install.sh", () => installedByScript("1.0.0"), ["sallyport", "sallyport.old", "versions"]],
];

function versionOf(installation: OwnInstallation): string {
  return JSON.parse(execFileSync(startedAs(installation), { encoding: "utf8" })).version;
}

for (const [layouts, options] of shortAndLong(LAYOUTS, 1)) {
  test.each(layouts)("installed as %s", { timeout: 300_000, ...options }, async (_, install, left) => {
    const release = await fakeRelease("1.1.0", ours);
    const killedAt = async (change: number): Promise<OwnInstallation | number> => {
      const installation = install();
      const args = [PROGRAM, JSON.stringify(installation), release, ours.keys[0] ?? "", String(change)];
      const outcome = await run(process.execPath, args).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ signal: "SIGKILL" });
        return installation;
      }
      return Number(Object(outcome).stdout);
    };
    const changes = Number(await killedAt(0));
    expect(changes).toBeGreaterThan(8);

    const versions = new Set<string>();
    const examine = async (change: number): Promise<void> => {
      const installation = await killedAt(change);
      if (typeof installation === "number") throw new Error("It was not killed.");
      const version = versionOf(installation);
      versions.add(version);
      expect(["1.0.0", "1.1.0"]).toContain(version);
      const source = () => directorySource(release);
      const request = { installation, platform: PLATFORM, source, keys: ours.keys, signal } as const;
      await upgrade({ ...request, running: "1.0.0", version: undefined });
      expect(versionOf(installation)).toBe("1.1.0");
      expect(readdirSync(dirname(startedAs(installation))).toSorted()).toEqual(left);
      if (version !== "1.0.0") return;
      expect(await goBack(installation, { signal })).toBe("1.0.0");
    };
    for (let first = 1; first <= changes; first += TOGETHER) {
      const some = Array.from(
        { length: Math.min(TOGETHER, changes - first + 1) },
        (_one, index) => first + index,
      );
      await Promise.all(some.map(examine));
    }
    expect([...versions].toSorted()).toEqual(["1.0.0", "1.1.0"]);
  });
}
