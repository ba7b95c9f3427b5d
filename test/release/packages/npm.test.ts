// The npm package, installed by npm without a registry and without scripts, on each version of Node that it is for.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeOfMajor } from "../support/node-versions.ts";
import { releaseDirectory, releasedVersion } from "../support/release.ts";

const release = { directory: releaseDirectory(), version: await releasedVersion() };

const FILE = join(release.directory, `sallyport-${release.version}.tgz`);

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-npm-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function run(node: string, file: string, ...args: string[]): string {
  const PATH = [dirname(node), "/usr/bin", "/bin"].join(delimiter);
  return execFileSync(file, args, {
    encoding: "utf8",
    env: { HOME: home, PATH },
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

// ssh2's native ciphers are made for the Node that the gateway needs; terminals are there on any.
describe.each([
  { major: 24, sshCiphers: true },
  { major: 20, sshCiphers: false },
])("on Node $major", ({ major, sshCiphers }) => {
  const node = nodeOfMajor(major) ?? "";
  test.skipIf(node === "")(
    `npm installs the tarball without network and scripts, native parts included (${node || `needs Node ${major}`})`,
    () => {
      const prefix = join(home, `prefix-${major}`);
      run(node, "npm", "install", "--global", "--prefix", prefix, "--offline", "--ignore-scripts", FILE);
      const program = join(prefix, "bin", "sallyport");
      expect(JSON.parse(run(node, program, "version", "--verbose", "--json"))).toMatchObject({
        version: release.version,
        node: expect.stringMatching(new RegExp(`^${major}\\.`)),
        native: { sshCiphers, terminals: true },
      });
      expect(existsSync(join(prefix, "share", "man", "man1", "sallyport.1"))).toBe(true);
      expect(() => run(node, program, "upgrade", "--back")).toThrow("npm install --global");
    },
  );
});

test("nothing in the tarball has an install script, or needs a registry", () => {
  const read = (path: string): unknown =>
    JSON.parse(execFileSync("tar", ["-xOzf", FILE, path], { encoding: "utf8" }));
  const names = execFileSync("tar", ["-tzf", FILE], { encoding: "utf8" }).split("\n");
  const manifests = names.filter((name) => /\/node_modules\/.*\/package\.json$/.test(name));
  expect(manifests.length).toBeGreaterThan(8);
  for (const name of manifests) {
    expect(Object.keys(read(name) as object)).not.toEqual(expect.arrayContaining(["scripts"]));
    expect(Object.keys(read(name) as object)).not.toEqual(expect.arrayContaining(["dependencies"]));
  }
  const own = read("package/package.json") as { dependencies: object; bundleDependencies: string[] };
  expect(own.bundleDependencies).toEqual(Object.keys(own.dependencies));
  expect(own).not.toHaveProperty("scripts");
});
