// Which files go into the extension: the ones named here and no others. test/integration/package checks the list against
// what a package may have.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository.ts";
import { type Manifest, shippedManifest } from "./manifest.ts";
import { nativePackage } from "./native-package.ts";

/** Beside these: package.json and the dependencies. A folder ends in a slash and keeps its place. */
const OWN = ["media/", "l10n/", "CHANGELOG.md", "LICENSE"];
/** What systems install beside a program; an extension does not. */
const FOR_SYSTEMS = /^(man|completions)\//;
/** package.json's texts, in every language that there is. */
const TEXTS = /^package\.nls(\.[a-z-]+)?\.json$/;
/** The page in the marketplace, which is not the repository's front page. */
const PAGE = "extension/README.md";

/** The files of each dependency that are needed at run time. */
const INSTALLED: Readonly<Record<string, RegExp>> = {
  // Its native ciphers are made for one version of Node; editors have others, and it works without.
  ssh2: /^(package\.json|LICENSE|lib\/(?!protocol\/crypto\/(build|src)\/).*\.js)$/,
  asn1: /^(package\.json|LICENSE|lib\/.*\.js)$/,
  "bcrypt-pbkdf": /^(package\.json|LICENSE|index\.js)$/,
  "safer-buffer": /^(package\.json|LICENSE|safer\.js)$/,
  tweetnacl: /^(package\.json|LICENSE|nacl-fast\.js)$/,
  keytar: /^(package\.json|LICENSE\.md|lib\/keytar\.js|prebuilds\/[^/]+\/keytar\.node)$/,
  "@lydell/node-pty": /^(package\.json|LICENSE|[^/]+\.js|(shared|worker)\/[^/]+\.js)$/,
};

/** One per platform; only this machine's is installed here. Debug symbols stay out. */
const NATIVE = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64"];
const NATIVE_FILES = /^(package\.json|[^/]+\.node|spawn-helper)$/;

/**
 * Paths in the extension, with their contents, in one order.
 * @param built the directory that esbuild.mjs has built
 * @throws Error that names what is missing
 */
export async function collectFiles(manifest: Manifest, built: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  files.set("package.json", Buffer.from(await shippedManifest(manifest.version)));
  for (const [name, contents] of await readFolder(built)) {
    if (!FOR_SYSTEMS.test(name)) files.set(`dist/${name}`, contents);
  }
  files.set("README.md", await readFile(join(ROOT, PAGE)));
  for (const own of [...OWN, ...(await readdir(ROOT)).filter((name) => TEXTS.test(name))]) {
    if (!own.endsWith("/")) files.set(own, await readFile(join(ROOT, own)));
    else
      for (const [name, contents] of await readFolder(join(ROOT, own))) {
        files.set(own + name, contents);
      }
  }
  const forgotten = Object.keys(manifest.dependencies).find((name) => !(name in INSTALLED));
  if (forgotten !== undefined) throw new Error(`packaging/vsix/contents.ts does not know ${forgotten}`);
  for (const [name, wanted] of Object.entries(INSTALLED)) {
    await addPackage(files, name, join(ROOT, "node_modules", name), wanted);
  }
  for (const platform of NATIVE) {
    const name = `@lydell/node-pty-${platform}`;
    await addPackage(files, name, await nativePackage(name), NATIVE_FILES);
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function addPackage(
  files: Map<string, Buffer>,
  name: string,
  directory: string,
  wanted: RegExp,
): Promise<void> {
  const found = await readFolder(directory, wanted);
  if (found.length < 2) throw new Error(`nothing of use in ${directory}`);
  for (const [path, contents] of found) {
    files.set(`node_modules/${name}/${path}`, contents);
  }
}

async function readFolder(directory: string, wanted = /^/): Promise<[string, Buffer][]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name).slice(join(directory, "/").length).replaceAll("\\", "/"),
    )
    .filter((name) => wanted.test(name));
  return await Promise.all(
    names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(join(directory, name))]),
  );
}
