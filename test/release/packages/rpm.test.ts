// The .rpm, by rpm itself: what it installs, what it leaves behind, and that the program runs.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findProgram } from "../../support/programs/find-program.ts";
import { Container } from "../support/container.ts";
import { releaseDirectory, releasedVersion } from "../support/release.ts";
import { whyNoRoot } from "../support/roots.ts";
import { added, listing } from "./listing.ts";

const release = { directory: releaseDirectory(), version: await releasedVersion() };

const FILE = join(release.directory, `sallyport-${release.version}.x86_64.rpm`);

const noRpm = findProgram("rpm", []) === undefined ? "needs rpm" : undefined;
const noRoot = noRpm ?? whyNoRoot("debian-12");

function query(...args: string[]): string[] {
  return execFileSync("rpm", ["-qp", ...args, FILE], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  })
    .trimEnd()
    .split("\n");
}

test.skipIf(noRpm !== undefined)(`the .rpm says what it needs and what it has (${noRpm ?? "rpm"})`, () => {
  expect(query("--qf", "%{NAME} %{VERSION} %{ARCH} %{LICENSE}")).toEqual([
    `sallyport ${release.version} x86_64 MIT`,
  ]);
  expect(query("--requires")).toEqual(expect.arrayContaining(["glibc >= 2.28", "libgcc", "libstdc++"]));
  expect(query("--configfiles")).toEqual(["/etc/sallyport/gateway.env"]);
  expect(query("--list")).toEqual(
    expect.arrayContaining([
      "/usr/bin/sallyport",
      "/usr/lib/sallyport/pty.node",
      "/usr/lib/systemd/system/sallyport-gateway.service",
      "/usr/share/licenses/sallyport/LICENSE",
      "/usr/share/zsh/site-functions/_sallyport",
    ]),
  );
});

const SHARED = [
  "/usr/lib/sysusers.d",
  "/usr/share/fish",
  "/usr/share/fish/vendor_completions.d",
  "/usr/share/licenses",
  "/usr/share/zsh",
  "/usr/share/zsh/site-functions",
];

// A Debian is the root here, so what the package needs is not there by these names.
test.skipIf(noRoot !== undefined)(
  `the .rpm is installed by rpm, runs, and is removed without a trace (${noRoot ?? "rpm --root"})`,
  async () => {
    await using container = await Container.start("debian-12", { network: false });
    const before = await listing(container);
    // rpm's database follows no path through /proc, so rpm itself has to see the container's mounts.
    const [, init = "", root = ""] = /^\/proc\/(\d+)\/root(\/.*)$/.exec(container.outside("/")) ?? [];
    const rpm = (...args: string[]) => {
      const inside = ["--target", init, "--mount", "rpm", "--root", root, "--dbpath", "/var/lib/rpm"];
      return execFileSync("nsenter", [...inside, "--nodeps", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    };
    rpm("--install", FILE);
    const version = await container.run(["sallyport", "version", "--verbose", "--json"], { uid: 12345 });
    expect(JSON.parse(version.stdout)).toMatchObject({ native: { sshCiphers: true, terminals: true } });
    rpm("--erase", "sallyport");
    // A Debian has not all directories that such systems have, and rpm leaves the ones that the package does not own.
    const left = added(before, await listing(container));
    expect(left.filter((path) => path.includes("sallyport") || !SHARED.includes(path))).toEqual([]);
  },
);
