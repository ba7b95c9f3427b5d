// A gateway of several processes offers the same release from each of them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeRelease } from "../../support/offered-release.ts";
import { Workers } from "../cluster/harness.ts";

let directory: string;
let workers: Workers;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-release-"));
  writeRelease(directory, "1.2.3", { good: "abcdefghij", spoilt: "abcdefghij" });
  writeFileSync(join(directory, "spoilt"), "abcdefghiJ");
  workers = await Workers.start("--downloads", directory, "--log-level", "debug");
});
afterAll(async () => {
  await workers?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("every worker serves what the manifest names, and nothing that differs from it", async () => {
  const served = () =>
    new Set(
      workers
        .log()
        .filter((line) => line.route === "/bin/:name")
        .map((line) => line.worker),
    );
  await expect
    .poll(async () => {
      // A connection of its own each time, so that another worker takes it.
      const headers = { connection: "close" };
      const good = await fetch(`${workers.url}/bin/good`, { headers });
      expect([good.status, await good.text()]).toEqual([200, "abcdefghij"]);
      expect((await fetch(`${workers.url}/bin/spoilt`, { headers })).status).toBe(404);
      expect(await (await fetch(`${workers.url}/install.sh`, { headers })).text()).toContain(
        `gateway='${workers.url}'`,
      );
      return served().size;
    })
    .toBe(2);
});
