// What is in the npm package: dist/ without the extension, and the dependencies with their native parts for every system, so
// that an installation needs nothing else from a registry, and runs no script.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../../scripts/repository.ts";
import { installedPackages, readFolder } from "../../dependencies/installed.ts";
import { readManifest } from "../../vsix/manifest.ts";
import type { Release } from "../release.ts";
import { bundledManifest, packageManifest } from "./manifest.ts";
import { choiceFile, choiceScript, NATIVE_SOURCES } from "./native-choice.ts";

const SSHCRYPTO = "node_modules/ssh2/lib/protocol/crypto/build/Release";
const PTY = "node_modules/@lydell/node-pty";

/** Paths in the package, with their contents, in one order. @throws Error that names what is missing */
export async function packageFiles(release: Release): Promise<Map<string, Buffer>> {
  const { dependencies } = await readManifest();
  const files = new Map<string, Buffer>();
  // The dashboard is inside the gateway already.
  for (const [path, contents] of await readFolder(
    join(release.work, "extension"),
    /^(?!(?:extension|web)\/)/,
  )) {
    files.set(`dist/${path}`, contents);
  }
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) {
    files.set(name, await readFile(join(ROOT, name)));
  }
  for (const [path, contents] of await installedPackages(dependencies)) {
    // Of node-pty, only the native part is used.
    if (!/\/node-pty\/.*\.js$|\/node-pty-win32-/.test(path)) files.set(path, contents);
  }
  await addNativeParts(files, release);
  const bundled = new Map<string, string>();
  for (const [path, contents] of files) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path)?.[1];
    if (name === undefined) continue;
    const { text, version } = bundledManifest(contents.toString("utf8"), name);
    files.set(path, Buffer.from(text));
    bundled.set(name, version);
  }
  const manuals = [...files.keys()].filter((path) => path.startsWith("dist/man/")).sort();
  files.set("package.json", Buffer.from(await packageManifest(release.version, bundled, manuals)));
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Those of the release's own programs; node-pty's prebuilt ones stay where there is none. */
async function addNativeParts(files: Map<string, Buffer>, release: Release): Promise<void> {
  const crypto = new Map<string, string[]>();
  const pty = new Map<string, string[]>();
  for (const { platform, system } of NATIVE_SOURCES) {
    if (!release.platforms.includes(platform)) continue;
    const program = join(release.work, platform);
    for (const part of (await readdir(program)).filter((name) => name.endsWith(".node"))) {
      const contents = await readFile(join(program, part));
      const [directory, choice] =
        part === "pty.node"
          ? [`${PTY}-${system}`, pty]
          : part === "sshcrypto.node"
            ? [SSHCRYPTO, crypto]
            : [];
      if (directory === undefined || choice === undefined) continue;
      files.set(`${directory}/${platform}/${part}`, contents);
      choice.set(system, [...(choice.get(system) ?? []), `./${platform}/${part}`]);
    }
  }
  for (const [system, parts] of pty) {
    const directory = `${PTY}-${system}`;
    files.delete(`${directory}/pty.node`);
    files.set(
      `${directory}/${choiceFile("pty.node")}`,
      Buffer.from(choiceScript(new Map([[system, parts]]))),
    );
  }
  if (crypto.size > 0) {
    files.set(`${SSHCRYPTO}/${choiceFile("sshcrypto.node")}`, Buffer.from(choiceScript(crypto)));
  }
}
