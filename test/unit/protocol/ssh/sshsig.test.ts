// Against what the machine's own ssh-keygen signs.

import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSignedBy } from "../../../../protocol/ssh/sshsig.ts";
import { encode } from "../../../../protocol/ssh/wire.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { makeSecurityKey } from "../../../integration/host-ssh/security-key-agent.ts";

const NAMESPACE = "test@sallyport";
const TEXT = "what is signed\n";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-sshsig-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let made = 0;
function makeKey(...type: readonly string[]): string {
  const path = join(directory, `key-${made++}`);
  execFileSync("ssh-keygen", ["-q", ...type, "-N", "", "-f", path]);
  return path;
}
const publicKey = (path: string) => parsePublicKey(readFileSync(`${path}.pub`, "utf8"));
function keygen(path: string, options: readonly string[] = [], namespace = NAMESPACE): string {
  const message = join(directory, `message-${made++}`);
  writeFileSync(message, TEXT);
  execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", path, "-n", namespace, ...options, message]);
  return readFileSync(`${message}.sig`, "utf8");
}
const isGood = (
  key: ReturnType<typeof parsePublicKey>,
  armored: string,
  text = TEXT,
  namespace = NAMESPACE,
) => isSignedBy(key, namespace, Buffer.from(text), armored);

/** As ssh-keygen would write it, around any signature. */
function armoured(blob: Buffer, signature: (signed: Buffer) => Buffer, hash = "sha512"): string {
  const digest = createHash(hash).update(TEXT).digest();
  const signed = Buffer.concat([Buffer.from("SSHSIG"), encode(NAMESPACE, "", hash, digest)]);
  const body = Buffer.concat([
    Buffer.from("SSHSIG"),
    encode(1, blob, NAMESPACE, "", hash, signature(signed)),
  ]);
  return `-----BEGIN SSH SIGNATURE-----\n${body.toString("base64")}\n-----END SSH SIGNATURE-----\n`;
}

test.each([
  ["Ed25519", ["-t", "ed25519"]],
  ["RSA", ["-t", "rsa", "-b", "2048"]],
  ["ECDSA, 256 bits", ["-t", "ecdsa", "-b", "256"]],
  ["ECDSA, 384 bits", ["-t", "ecdsa", "-b", "384"]],
  ["ECDSA, 521 bits", ["-t", "ecdsa", "-b", "521"]],
])("what ssh-keygen signs with %s is good for its key, text and namespace alone", (_, type) => {
  const path = makeKey(...type);
  const key = publicKey(path);
  for (const hash of ["sha512", "sha256"]) {
    const armored = keygen(path, ["-O", `hashalg=${hash}`]);
    expect(isGood(key, armored)).toBe(true);
    expect(isGood(key, armored.replaceAll("\n", "\r\n"))).toBe(true);
    expect(isGood(key, armored, `${TEXT} `)).toBe(false);
    expect(isGood(key, armored, TEXT, "file")).toBe(false);
    expect(isGood(publicKey(makeKey(...type)), armored)).toBe(false);
  }
});

test("a signature for another namespace is none for this one", () => {
  const path = makeKey("-t", "ed25519");
  const foreign = keygen(path, [], "git");
  expect(isGood(publicKey(path), foreign, TEXT, "git")).toBe(true);
  expect(isGood(publicKey(path), foreign)).toBe(false);
});

test("a signature by a certificate proves nothing, no matter who signed the certificate", () => {
  const path = makeKey("-t", "ed25519");
  execFileSync("ssh-keygen", ["-q", "-s", makeKey("-t", "ed25519"), "-I", "x", "-n", "x", `${path}.pub`]);
  expect(isGood(publicKey(path), keygen(`${path}-cert.pub`))).toBe(false);
});

describe("RSA", () => {
  const { privateKey, publicKey: half } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { e = "", n = "" } = half.export({ format: "jwk" });
  const positive = Buffer.concat([Buffer.from([0]), Buffer.from(n, "base64url")]);
  const blob = encode("ssh-rsa", Buffer.from(e, "base64url"), positive);
  const key = parsePublicKey(`ssh-rsa ${blob.toString("base64")}`);
  test.each([
    ["rsa-sha2-512", "sha512", true],
    ["rsa-sha2-256", "sha256", true],
    ["ssh-rsa", "sha1", false],
    ["rsa-sha2-512", "sha1", false],
    ["rsa-sha2-256", "sha512", false],
  ])("as %s with %s: %s", (format, hash, good) => {
    expect(
      isGood(
        key,
        armoured(blob, (signed) => encode(format, sign(hash, signed, privateKey))),
      ),
    ).toBe(good);
  });

  test.each(["sha1", "md5", "sha384"])("of a message that is hashed with %s: refused", (hash) => {
    const made = (signed: Buffer) => encode("rsa-sha2-512", sign("sha512", signed, privateKey));
    expect(isGood(key, armoured(blob, made, hash))).toBe(false);
  });
});

describe("a security key", () => {
  test.each(["ed25519", "ecdsa"] as const)("of type %s has to be touched", (kind) => {
    for (const [flags, good] of [
      [1, true],
      [5, true],
      [0, false],
      [4, false],
    ] as const) {
      const security = makeSecurityKey(kind, flags);
      const key = parsePublicKey(`${security.type} ${security.blob.toString("base64")}`);
      expect(
        isGood(
          key,
          armoured(security.blob, (signed) => security.sign(signed)),
        ),
      ).toBe(good);
    }
  });
});

test("what is cut off, changed anywhere or has something behind it is refused, and nothing is thrown", () => {
  const path = makeKey("-t", "ed25519");
  const key = publicKey(path);
  const armored = keygen(path);
  const body = Buffer.from(armored.replace(/-----.*-----/g, ""), "base64");
  const wrap = (bytes: Buffer) =>
    `-----BEGIN SSH SIGNATURE-----\n${bytes.toString("base64")}\n-----END SSH SIGNATURE-----\n`;
  expect(isGood(key, wrap(body))).toBe(true);
  for (let length = 0; length < body.length; length++)
    expect(isGood(key, wrap(body.subarray(0, length)))).toBe(false);
  for (let at = 0; at < body.length; at++) {
    const changed = Buffer.from(body);
    changed[at] = (changed[at] ?? 0) ^ 0x55;
    expect(isGood(key, wrap(changed))).toBe(false);
  }
  expect(isGood(key, wrap(Buffer.concat([body, Buffer.from([0])])))).toBe(false);
  for (const text of [
    "",
    armored.slice(30),
    `${armored}x`,
    "x".repeat(100_000),
    armored.replace(/\w{20}/, "*"),
  ]) {
    expect(isGood(key, text)).toBe(false);
  }
});
