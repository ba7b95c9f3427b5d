// Installs the packaged extension and a stand-in for Remote-SSH from their VSIX files, as a person would.

import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import yazl from "yazl";
import { contentTypes, vsixManifest } from "../../../packaging/vsix/vsix-manifest.ts";
import { codeServer, directory, extensionsDirectory, vsix } from "./environment.ts";

export async function setup(): Promise<void> {
  const standIn = join(directory, "remote-ssh-stand-in.vsix");
  await writeStandIn(standIn);
  await installExtensions([vsix, standIn], extensionsDirectory);
}

/** @param paths VSIX files @param into the directory of an editor's extensions */
export async function installExtensions(paths: readonly string[], into: string): Promise<void> {
  const install = paths.flatMap((path) => ["--install-extension", path]);
  const where = ["--extensions-dir", into, "--user-data-dir", join(directory, "installer")];
  await promisify(execFile)(codeServer.node, [codeServer.entry, ...where, ...install], { timeout: 300_000 });
}

/** It has only the id by which the extension recognises a Remote-SSH. */
async function writeStandIn(path: string): Promise<void> {
  const manifest = {
    name: "open-remote-ssh",
    publisher: "jeanp413",
    displayName: "Stand-in for Remote-SSH",
    description: "",
    version: "0.0.1",
    license: "MIT",
    engines: { vscode: "^1.90.0" },
    categories: [],
    keywords: [],
    extensionKind: ["ui", "workspace"],
  };
  const zip = new yazl.ZipFile();
  zip.addBuffer(
    Buffer.from(vsixManifest({ ...manifest, main: "", dependencies: {} })),
    "extension.vsixmanifest",
  );
  zip.addBuffer(Buffer.from(contentTypes(["package.json"])), "[Content_Types].xml");
  zip.addBuffer(Buffer.from(JSON.stringify(manifest)), "extension/package.json");
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}
