// What a release is: `manifest.json` names every file of it by size and SHA-256, and the signature beside it covers the
// manifest byte for byte. `npm run release` writes it, a gateway serves it, `sallyport upgrade` believes nothing else. Pure.

import { Type } from "typebox";
import { ProtocolError } from "../errors.ts";
import { matches } from "../schema-check.ts";

/** `npm run release` makes a program for each. Linux without "musl" is glibc 2.28 or newer. */
export const PLATFORMS = [
  "linux-x64",
  "linux-arm64",
  "linux-musl-x64",
  "linux-musl-arm64",
  "darwin-x64",
  "darwin-arm64",
  "win-x64",
] as const;

export type Platform = (typeof PLATFORMS)[number];

/** The names of the two files in every release. */
export const MANIFEST_FILE = "manifest.json";
export const SIGNATURE_FILE = "manifest.json.sig";

/** Bounds of what a stranger may send as a manifest or as one file of a release, in bytes. */
export const MAX_MANIFEST_SIZE = 64 * 1024;
export const MAX_FILE_SIZE = 512 * 1024 * 1024;

export interface ReleaseFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

export interface ReleaseManifest {
  readonly version: string;
  readonly files: readonly ReleaseFile[];
}

/** Signed along, so that a signature of something else never passes for one of a manifest. */
const FORMAT = "sallyport-release/1";
/** Without a leading dot and without slashes: a name in one directory, on every system. */
export const FILE_NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$";
/** Semantic Versioning 2.0.0 without build metadata, and short enough for a path. */
const VERSION =
  "^(0|[1-9]\\d{0,5})(\\.(0|[1-9]\\d{0,5})){2}(-[0-9A-Za-z-]{1,20}(\\.[0-9A-Za-z-]{1,20}){0,4})?$";

const Manifest = Type.Object({
  format: Type.Literal(FORMAT),
  version: Type.String({ pattern: VERSION }),
  files: Type.Array(
    Type.Object({
      name: Type.String({ pattern: FILE_NAME_PATTERN }),
      size: Type.Integer({ minimum: 1, maximum: MAX_FILE_SIZE }),
      sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    }),
    { maxItems: 200 },
  ),
});

/** Without checking its signature: `verifiedManifest` does. @throws ProtocolError bad_message */
export function parseManifest(bytes: Uint8Array): ReleaseManifest {
  if (bytes.length > MAX_MANIFEST_SIZE) throw bad("it is too long");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad("it is not JSON", cause);
  }
  if (!matches(Manifest, value)) throw bad("it has not the form of one");
  const { version, files } = value as ReleaseManifest;
  if (new Set(files.map(({ name }) => name)).size < files.length) throw bad("it names a file twice");
  return { version, files };
}

/** The text that `parseManifest` reads, and that is signed. */
export function formatManifest({ version, files }: ReleaseManifest): string {
  return `${JSON.stringify({ format: FORMAT, version, files }, null, 2)}\n`;
}

export function isVersion(text: string): boolean {
  return new RegExp(VERSION).test(text);
}

/** Negative if `a` comes before `b`, by the precedence of Semantic Versioning 2.0.0, section 11. Both are versions. */
export function compareVersions(a: string, b: string): number {
  const [coreA = "", ...tagA] = a.split("-");
  const [coreB = "", ...tagB] = b.split("-");
  const core = compareParts(coreA.split("."), coreB.split("."));
  if (core !== 0) return core;
  const [preA, preB] = [tagA.join("-"), tagB.join("-")];
  if (preA === "" || preB === "") return Number(preA === "") - Number(preB === "");
  return compareParts(preA.split("."), preB.split("."));
}

/** Numbers by value and before words, words by their characters; the longer list comes last. */
function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [x, y] = [a[index], b[index]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const [numberX, numberY] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (numberX && numberY && Number(x) !== Number(y)) return Number(x) - Number(y);
    if (numberX !== numberY) return numberX ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

function bad(why: string, cause?: unknown): ProtocolError {
  return new ProtocolError("bad_message", `This is not the manifest of a release: ${why}.`, { cause });
}
