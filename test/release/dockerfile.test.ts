// deploy/Dockerfile: what hadolint says of it, and what its steps make out of a release, carried out by buildah.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/repository.ts";
import { releaseDirectory, releasedVersion } from "./support/release.ts";
import { rootDirectory, whyNoRoot } from "./support/roots.ts";
import { hadolint, missingTool } from "./support/tools.ts";

const DOCKERFILE = join(ROOT, "deploy", "Dockerfile");
const BASE = "docker.io/library/alpine:3.23";

const notHere = missingTool("buildah") ?? whyNoRoot("alpine");

test("hadolint finds nothing in deploy/Dockerfile", async () => {
  expect(execFileSync(await hadolint(), [DOCKERFILE], { encoding: "utf8" })).toBe("");
});

describe.skipIf(notHere !== undefined)(`deploy/Dockerfile (${notHere ?? "buildah"})`, () => {
  let directory: string;
  let context: string;
  /** Without an engine, and with nothing of the machine's own images. */
  const buildah = (...args: string[]) =>
    execFileSync(
      "buildah",
      [
        ...["--root", join(directory, "root"), "--runroot", join(directory, "run")],
        ...["--storage-driver", "vfs", ...args],
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    ).trim();

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "sallyport-dockerfile-"));
    context = join(directory, "release");
    mkdirSync(context);
    for (const name of readdirSync(releaseDirectory()).filter((name) =>
      /^manifest|musl.*gz$|vsix$/.test(name),
    )) {
      copyFileSync(join(releaseDirectory(), name), join(context, name));
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("makes an image out of a release directory, whose gateway has the downloads", async () => {
    // The base is not fetched: it is our Alpine, under its name.
    const base = buildah("from", "scratch");
    buildah("copy", base, await rootDirectory("alpine"), "/");
    buildah("commit", base, BASE);
    buildah(
      "build",
      "--isolation",
      "chroot",
      "--pull-never",
      "--file",
      DOCKERFILE,
      "--tag",
      "sallyport",
      context,
    );
    const container = buildah("from", "--pull-never", "localhost/sallyport");
    const run = (...command: string[]) =>
      buildah("run", "--isolation", "chroot", container, "--", ...command);
    expect(JSON.parse(run("sallyport", "version", "--verbose", "--json"))).toMatchObject({
      version: await releasedVersion(),
      native: { sshCiphers: true, terminals: true },
    });
    expect(run("id", "-u")).toBe("65532");
    expect(run("sh", "-c", "ls /downloads").split("\n")).toEqual(readdirSync(context).sort());
  });
});
