// A release of programs that are shell scripts, signed by a key of the test, and a place where such a program is installed.

import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar, type TarHeader } from "modern-tar";
import { onTestFinished } from "vitest";
import type { OwnInstallation } from "../../agent/client/upgrade/install.ts";
import { formatManifest } from "../../protocol/release/manifest.ts";
import { releaseKeyOf, signManifest } from "../../protocol/release/signature.ts";

export const PLATFORM = "linux-x64";

export interface Signer {
  readonly privateKey: KeyObject;
  readonly keys: readonly string[];
}

export function signer(): Signer {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { privateKey, keys: [releaseKeyOf(privateKey)] };
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-upgrade-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A program that says it is this version, and runs `more` first. */
export function program(version: string, more = ""): string {
  return `#!/bin/sh\n${more}\necho '{"version":"${version}"}'\n`;
}

export interface Member extends Partial<TarHeader> {
  readonly name: string;
  readonly text?: string;
}

export async function archive(members: readonly Member[]): Promise<Buffer> {
  const entries = members.map(({ text = "", ...header }) => ({
    header: { size: Buffer.byteLength(text), mode: 0o644, ...header },
    body: text,
  }));
  return gzipSync(await packTar(entries));
}

/** The raw program and the archive of it, as `npm run release` makes them. */
export async function releaseFiles(version: string, more = ""): Promise<Record<string, Buffer>> {
  const text = program(version, more);
  return {
    [`sallyport-${PLATFORM}`]: Buffer.from(text),
    [`sallyport-${PLATFORM}.tar.gz`]: await archive([
      { name: "sallyport", text, mode: 0o755 },
      { name: "pty.node", text: "native", mode: 0o755 },
      { name: "LICENSE", text: "MIT" },
      { name: "man/sallyport.1", text: ".TH" },
    ]),
  };
}

/** Writes the files, the manifest and its signature into `directory`. */
export function writeRelease(
  directory: string,
  version: string,
  files: Readonly<Record<string, Buffer>>,
  { privateKey }: Signer,
): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
  const described = Object.entries(files).map(([name, bytes]) => ({
    name,
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  }));
  const manifest = Buffer.from(formatManifest({ version, files: described }));
  writeFileSync(join(directory, "manifest.json"), manifest);
  writeFileSync(join(directory, "manifest.json.sig"), signManifest(manifest, privateKey));
}

/** A release directory. */
export async function fakeRelease(version: string, signedBy: Signer, more = ""): Promise<string> {
  const directory = temporaryDirectory();
  writeRelease(directory, version, await releaseFiles(version, more), signedBy);
  return directory;
}

/** The program as one file. */
export function installedFile(
  version: string,
  directory = temporaryDirectory(),
): OwnInstallation & { kind: "file" } {
  const path = join(directory, "sallyport");
  writeFileSync(path, program(version), { mode: 0o755 });
  return { kind: "file", path };
}

/** The program as install.sh leaves it. */
export function installedByScript(
  version: string,
  place = temporaryDirectory(),
): OwnInstallation & { kind: "script" } {
  const directory = join("versions", `${version}-${PLATFORM}`);
  mkdirSync(join(place, directory), { recursive: true });
  for (const path of [join(place, "versions"), join(place, directory)]) chmodSync(path, 0o755);
  const path = join(place, directory, "sallyport");
  writeFileSync(path, program(version), { mode: 0o755 });
  const link = join(place, "sallyport");
  symlinkSync(join(directory, "sallyport"), link);
  return { kind: "script", place, link, path };
}
