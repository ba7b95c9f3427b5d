import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  compareVersions,
  formatManifest,
  isVersion,
  MAX_MANIFEST_SIZE,
  parseManifest,
  type ReleaseManifest,
} from "../../../../protocol/release/manifest.ts";
import { releaseKeyOf, signManifest, verifiedManifest } from "../../../../protocol/release/signature.ts";

const FILE = { name: "sallyport-linux-x64.tar.gz", size: 42_000_000, sha256: "0f".repeat(32) };
const MANIFEST: ReleaseManifest = { version: "1.2.3", files: [FILE] };
const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const document = (changes: object): Buffer =>
  bytesOf({ ...(JSON.parse(formatManifest(MANIFEST)) as object), ...changes });

describe("a manifest", () => {
  test("is read as it was written", () => {
    expect(parseManifest(Buffer.from(formatManifest(MANIFEST)))).toEqual(MANIFEST);
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["not JSON", Buffer.from("<html>")],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["a list", bytesOf([])],
    ["another format", document({ format: "other/1" })],
    ["a version that is a path", document({ version: "../1.2.3" })],
    ["a version with a line break", document({ version: "1.2.3\n" })],
    ["a name that is a path", document({ files: [{ ...FILE, name: "../x" }] })],
    ["a name that an option begins with", document({ files: [{ ...FILE, name: "-x" }] })],
    ["a name with a backslash", document({ files: [{ ...FILE, name: "a\\b" }] })],
    ["an empty file", document({ files: [{ ...FILE, size: 0 }] })],
    ["a huge file", document({ files: [{ ...FILE, size: 2 ** 40 }] })],
    ["a digest in capitals", document({ files: [{ ...FILE, sha256: "0F".repeat(32) }] })],
    ["a name twice", document({ files: [FILE, FILE] })],
    [
      "too many files",
      document({ files: Array.from({ length: 201 }, (_, i) => ({ ...FILE, name: `f${i}` })) }),
    ],
    ["too many bytes", document({ filler: "x".repeat(MAX_MANIFEST_SIZE) })],
  ])("is refused: %s", (_, bytes) => {
    expect(() => parseManifest(bytes)).toThrow(expect.objectContaining({ code: "bad_message" }));
  });
});

describe("a signature", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const other = generateKeyPairSync("ed25519");
  const bytes = Buffer.from(formatManifest(MANIFEST));
  const signature = signManifest(bytes, privateKey);
  const keys = [releaseKeyOf(other.publicKey), releaseKeyOf(publicKey)];

  test("of any known key counts, with or without its line break", () => {
    expect(verifiedManifest(bytes, signature, keys)).toEqual(MANIFEST);
    expect(verifiedManifest(bytes, signature.trim(), keys)).toEqual(MANIFEST);
    expect(releaseKeyOf(privateKey)).toBe(keys[1]);
  });

  test.each([
    ["no key is known", bytes, signature, []],
    ["another key signed", bytes, signManifest(bytes, other.privateKey), keys.slice(1)],
    ["a byte was added", Buffer.concat([bytes, Buffer.from(" ")]), signature, keys],
    ["it is empty", bytes, "", keys],
    ["it is not Base64", bytes, `${"*".repeat(86)}==`, keys],
    ["something follows it", bytes, `${signature}x`, keys],
  ])("does not count when %s", (_, signed, text, known) => {
    expect(() => verifiedManifest(signed, text, known)).toThrow(
      expect.objectContaining({ code: "bad_proof" }),
    );
  });
});

describe("versions", () => {
  // The example of Semantic Versioning 2.0.0, section 11, and numbers above 9.
  const ordered = [
    "0.9.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.10",
    "1.2.0",
    "1.10.0",
  ];
  test("are ordered by precedence", () => {
    expect(ordered.toReversed().toSorted(compareVersions)).toEqual(ordered);
    expect(ordered.every(isVersion)).toBe(true);
    expect(compareVersions("1.0.0", "1.0.0")).toBe(0);
  });

  test.each(["", "1", "1.2", "01.2.3", "1.2.3+build", "v1.2.3", "1.2.3-", "1.2.3-a/b"])(
    "are not %j",
    (text) => {
      expect(isVersion(text)).toBe(false);
    },
  );
});
