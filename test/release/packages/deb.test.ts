// The .deb in Debian, by dpkg and apt themselves: what it installs, what it leaves behind, and that the program runs.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findProgram } from "../../support/programs/find-program.ts";
import { Container } from "../support/container.ts";
import { releaseDirectory, releasedVersion } from "../support/release.ts";
import { type RootName, whyNoRoot } from "../support/roots.ts";
import { added, listing } from "./listing.ts";

const release = { directory: releaseDirectory(), version: await releasedVersion() };

const FILE = `sallyport_${release.version}_amd64.deb`;
const MOUNTS = [{ at: "/release", from: release.directory, options: "ro" }];

const noDebian = whyNoRoot("debian-12");
const noLintian = findProgram("lintian", []) === undefined ? "needs lintian" : undefined;

test.skipIf(noDebian !== undefined).for<RootName>(["debian-11", "debian-12"])(
  `the .deb is installed, runs, and leaves nothing but the gateway's data when it is purged, on %s (${noDebian ?? "dpkg"})`,
  async (root) => {
    await using container = await Container.start(root, { mounts: MOUNTS, network: false });
    const before = await listing(container);

    expect(await container.run(["dpkg", "-i", `/release/${FILE}`])).toMatchObject({ code: 0, stderr: "" });
    const files = added(before, await listing(container));
    expect(files).toEqual(expect.arrayContaining(EXPECTED));
    expect(files.filter((path) => path.includes(".wants/"))).toEqual([]);

    const version = await container.run(["sallyport", "version", "--verbose", "--json"], { uid: 12345 });
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(version.stdout)).toMatchObject({
      version: release.version,
      native: { sshCiphers: true, terminals: true },
    });
    const upgrade = await container.run(["sallyport", "upgrade", "--back"]);
    expect(upgrade.code).toBe(1);
    expect(upgrade.stderr).toContain("apt-get install sallyport");

    const data = "/var/lib/sallyport/gateway.db";
    await container.run([
      "sh",
      "-c",
      `mkdir -p /var/lib/sallyport; : > ${data}; echo '# mine' >> /etc/sallyport/gateway.env`,
    ]);
    expect(await container.run(["dpkg", "-r", "sallyport"])).toMatchObject({ code: 0 });
    const removed = added(before, await listing(container));
    expect(removed).toEqual(expect.arrayContaining(["/etc/sallyport/gateway.env", data]));
    expect(removed).not.toContain("/usr/bin/sallyport");

    expect(await container.run(["dpkg", "-P", "sallyport"])).toMatchObject({ code: 0 });
    expect(added(before, await listing(container))).toEqual(["/var/lib/sallyport", data]);
  },
);

test.skipIf(noLintian !== undefined)(`lintian finds nothing in the .deb (${noLintian ?? "lintian"})`, () => {
  const lintian = ["--allow-root", "--fail-on", "error,warning", join(release.directory, FILE)];
  expect(execFileSync("lintian", lintian, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })).toBe(
    "",
  );
});

const EXPECTED = [
  "/usr/bin/sallyport",
  "/usr/lib/sallyport/sallyport",
  "/usr/lib/sallyport/pty.node",
  "/usr/lib/sallyport/sshcrypto.node",
  "/usr/lib/systemd/system/sallyport-gateway.service",
  "/usr/lib/sysusers.d/sallyport.conf",
  "/usr/lib/tmpfiles.d/sallyport.conf",
  "/usr/share/man/man1/sallyport-gateway.1.gz",
  "/usr/share/bash-completion/completions/sallyport",
  "/usr/share/zsh/vendor-completions/_sallyport",
  "/usr/share/fish/vendor_completions.d/sallyport.fish",
  "/usr/share/doc/sallyport/copyright",
  "/etc/sallyport/gateway.env",
];
