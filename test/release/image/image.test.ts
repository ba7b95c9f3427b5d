// The container image: what is in it, and the gateway in it as runc runs it.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Container } from "../support/container.ts";
import { releaseDirectory, releasedVersion } from "../support/release.ts";
import { type RootName, whyNoRoot } from "../support/roots.ts";
import { runImage, unpack, whyNoEngine } from "./bundle.ts";

const release = { directory: releaseDirectory(), version: await releasedVersion() };

const FILE = join(release.directory, `sallyport-${release.version}-image.tar`);
const USER = 65532;

const noEngine = whyNoEngine();
const noRoot = noEngine ?? whyNoRoot("debian-12") ?? whyNoRoot("alpine");

describe.skipIf(noEngine !== undefined)(`the container image (${noEngine ?? "umoci, runc"})`, () => {
  let directory: string;
  let bundle: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "sallyport-image-"));
    mkdirSync(join(directory, "layout"));
    execFileSync("tar", ["-xf", FILE, "-C", join(directory, "layout")]);
    bundle = unpack(join(directory, "layout"), release.version, directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("is small, and has no shell", () => {
    expect(statSync(FILE).size).toBeLessThanOrEqual(2 * 50 * 1024 * 1024);
    expect(existsSync(join(bundle, "rootfs", "bin"))).toBe(false);
  });

  test("runs the gateway as a user without rights, on a root that cannot be written to", async () => {
    const data = join(directory, "data");
    mkdirSync(data, { mode: 0o700 });
    chownSync(data, USER, USER);
    const child = runImage(bundle, {
      args: ["sallyport", "gateway", "--json"],
      env: ["SALLYPORT_HTTP=127.0.0.1:0"],
      volumes: { "/var/lib/sallyport": data },
    });
    const ended = once(child, "exit");
    try {
      const said = child.stderr === null ? "" : text(child.stderr);
      const ready = await Promise.race([
        firstLine(child.stdout),
        ended.then(async () => Promise.reject(new Error(await said))),
      ]);
      expect(ready).toMatchObject({ event: "ready" });
      expect(ready).not.toHaveProperty("adminToken");
      const { http } = ready as { http: string };
      expect(await (await fetch(`${http}/healthz`)).json()).toEqual({ status: "ok" });
      expect(statSync(join(data, "gateway.db")).uid).toBe(USER);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
  });

  test.skipIf(noRoot !== undefined).for<RootName>(["debian-11", "alpine"])(
    `has a program that runs in an image which copied it, on %s (${noRoot ?? "chroot"})`,
    async (root) => {
      // COPY --from=sallyport /usr/lib/sallyport /usr/lib/sallyport
      const place = "/usr/lib/sallyport";
      const mounts = [{ at: place, from: join(bundle, "rootfs", place), options: "ro" }];
      await using container = await Container.start(root, { mounts, readOnly: true });
      const version = await container.run([`${place}/sallyport`, "version", "--verbose", "--json"], {
        uid: 12345,
      });
      expect(version).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(version.stdout)).toMatchObject({ native: { sshCiphers: true, terminals: true } });
    },
  );

  test("has an index that names every architecture of the release, with digests that are right", () => {
    const blob = (digest: string) => join(directory, "layout", "blobs", ...digest.split(":"));
    const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    const [index] = read(join(directory, "layout", "index.json")).manifests as { digest: string }[];
    const { manifests } = read(blob(index?.digest ?? "")) as {
      manifests: { platform: { architecture: string } }[];
    };
    const wanted = [
      ["linux-musl-x64", "amd64"],
      ["linux-musl-arm64", "arm64"],
    ].filter(([platform]) => existsSync(join(release.directory, `sallyport-${platform}.tar.gz`)));
    expect(manifests.map(({ platform }) => platform.architecture)).toEqual(wanted.map(([, name]) => name));
    expect(
      execFileSync("umoci", ["stat", "--image", `${join(directory, "layout")}:${release.version}`], {
        encoding: "utf8",
      }),
    ).toContain("LAYER");
  });
});

async function firstLine(stream: NodeJS.ReadableStream | null): Promise<unknown> {
  let line = "";
  for await (const chunk of stream ?? []) {
    line += String(chunk);
    if (line.includes("\n")) break;
  }
  return JSON.parse(line.split("\n")[0] ?? "");
}
