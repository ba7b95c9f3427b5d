// The packages that are installed beside Sallyport and not bundled into dist/, for what we ship with them inside: the files
// that are needed at run time, and no others.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository.ts";
import { nativePackage } from "../vsix/native-package.ts";

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
 * Paths below `node_modules/`, with their contents. `dependencies`: of package.json.
 * @throws Error that names what is missing
 */
export async function installedPackages(
  dependencies: Readonly<Record<string, string>>,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const forgotten = Object.keys(dependencies).find((name) => !(name in INSTALLED));
  if (forgotten !== undefined)
    throw new Error(`packaging/dependencies/installed.ts does not know ${forgotten}`);
  for (const [name, wanted] of Object.entries(INSTALLED)) {
    await addPackage(files, name, join(ROOT, "node_modules", name), wanted);
  }
  for (const platform of NATIVE) {
    const name = `@lydell/node-pty-${platform}`;
    await addPackage(files, name, await nativePackage(name), NATIVE_FILES);
  }
  return files;
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

/** Every file below a directory whose path from there is wanted. */
export async function readFolder(directory: string, wanted = /^/): Promise<[string, Buffer][]> {
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
