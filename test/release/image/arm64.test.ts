// The image's program for arm64, under qemu-user.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isReleased, releasedVersion, releaseFile } from "../support/release.ts";
import { missingTool } from "../support/tools.ts";

const QEMU = "qemu-aarch64-static";
const notHere = isReleased("linux-musl-arm64") ? missingTool(QEMU) : "the release is not for arm64";

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
}

test.skipIf(notHere !== undefined)(`the image's program for arm64 runs (${notHere ?? QEMU})`, async () => {
  const version = await releasedVersion();
  const directory = mkdtempSync(join(tmpdir(), "sallyport-image-arm64-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync("tar", ["-xf", releaseFile(`sallyport-${version}-image.tar`), "-C", directory]);
  const blob = (found: Descriptor | undefined) =>
    join(directory, "blobs", ...(found?.digest ?? "").split(":"));
  const read = (path: string) =>
    JSON.parse(readFileSync(path, "utf8")) as { manifests: Descriptor[]; layers: Descriptor[] };
  const { manifests } = read(blob(read(join(directory, "index.json")).manifests[0]));
  const { layers } = read(blob(manifests.find(({ platform }) => platform?.architecture === "arm64")));
  const root = join(directory, "root");
  mkdirSync(root);
  execFileSync("tar", ["-xzf", blob(layers[0]), "-C", root, "--no-same-owner"]);
  const program = join(root, "usr", "lib", "sallyport", "sallyport");
  const answer = execFileSync(QEMU, ["-L", root, program, "version", "--verbose", "--json"], {
    encoding: "utf8",
  });
  expect(JSON.parse(answer)).toMatchObject({
    version,
    platform: "linux-arm64",
    native: { sshCiphers: true, terminals: true },
  });
});
