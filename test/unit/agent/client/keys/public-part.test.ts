import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  inspectPrivateFile,
  publicPartOfBlob,
  publicPartOfLine,
} from "../../../../../agent/client/keys/public-part.ts";
import { IDENTITIES_REQUEST, parseIdentities } from "../../../../../agent/client/ssh-agent/agent-protocol.ts";
import { encode } from "../../../../../protocol/ssh/wire.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-keys-"));
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

function keygen(name: string, ...args: string[]): string {
  const path = join(home, name);
  execFileSync("ssh-keygen", ["-q", "-C", `${name}@test`, "-f", path, ...args]);
  return path;
}
const text = (path: string) => readFileSync(path, "utf8");
const fingerprintOf = (path: string) =>
  execFileSync("ssh-keygen", ["-lf", path], { encoding: "utf8" }).split(" ")[1];

describe("a private key file", () => {
  test.each([
    ["ed25519", ["-t", "ed25519"]],
    ["rsa", ["-t", "rsa", "-b", "2048"]],
    ["ecdsa", ["-t", "ecdsa", "-b", "384"]],
  ])("in OpenSSH's format shows its %s public key although it is encrypted", (type, args) => {
    const path = keygen(`locked-${type}`, ...args, "-N", "secret passphrase");
    const file = inspectPrivateFile(text(path));
    expect(file).toMatchObject({ format: "openssh", encrypted: true });
    expect(file.format === "openssh" && file.part?.key.fingerprint).toBe(fingerprintOf(`${path}.pub`));
  });

  test("without a passphrase is told from an encrypted one", () => {
    const path = keygen("open", "-t", "ed25519", "-N", "");
    expect(inspectPrivateFile(text(path))).toMatchObject({ format: "openssh", encrypted: false });
  });

  test("in PEM format tells no more than whether it is encrypted", () => {
    const open = keygen("pem-open", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "");
    const locked = keygen("pem-locked", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret");
    const pkcs8 = keygen("pkcs8-locked", "-t", "ecdsa", "-m", "PKCS8", "-N", "secret");
    expect(inspectPrivateFile(text(open))).toEqual({ format: "pem", encrypted: false });
    expect(inspectPrivateFile(text(locked))).toEqual({ format: "pem", encrypted: true });
    expect(inspectPrivateFile(text(pkcs8))).toEqual({ format: "pem", encrypted: true });
  });

  test("of a security key shows its public key", () => {
    const blob = encode("sk-ssh-ed25519@openssh.com", Buffer.alloc(32, 7), "ssh:");
    const body = Buffer.concat([
      Buffer.from("openssh-key-v1\0"),
      encode("aes256-ctr", "bcrypt", Buffer.alloc(24)),
      encode(1, blob, Buffer.alloc(64)),
    ]).toString("base64");
    const file = inspectPrivateFile(
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.replace(/(.{70})/g, "$1\n")}\n-----END OPENSSH PRIVATE KEY-----\n`,
    );
    expect(file.format === "openssh" && file.part?.key.type).toBe("sk-ssh-ed25519@openssh.com");
  });

  test("that is anything else is none, whatever it holds", () => {
    expect(inspectPrivateFile("")).toEqual({ format: "none" });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), bytes]).toString("base64");
        inspectPrivateFile(`-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----`);
      }),
    );
  });
});

describe("a certificate", () => {
  test.each([
    ["ed25519", ["-t", "ed25519"]],
    ["rsa", ["-t", "rsa", "-b", "2048"]],
    ["ecdsa", ["-t", "ecdsa"]],
  ])("for a person is known by the %s key in it", (type, args) => {
    const ca = keygen(`ca-${type}`, "-t", "ed25519", "-N", "");
    const path = keygen(`certified-${type}`, ...args, "-N", "");
    execFileSync("ssh-keygen", ["-q", "-s", ca, "-I", "me", "-n", "me", `${path}.pub`]);
    const part = publicPartOfLine(text(`${path}-cert.pub`));
    expect(part).toMatchObject({ certificate: true, key: { fingerprint: fingerprintOf(`${path}.pub`) } });
  });

  test("for a host is nobody's key", () => {
    const ca = keygen("host-ca", "-t", "ed25519", "-N", "");
    const path = keygen("host", "-t", "ed25519", "-N", "");
    execFileSync("ssh-keygen", ["-q", "-h", "-s", ca, "-I", "me", `${path}.pub`]);
    expect(publicPartOfLine(text(`${path}-cert.pub`))).toBeUndefined();
  });
});

describe("a public key", () => {
  test("of a type that is not served is left out", () => {
    expect(publicPartOfBlob(encode("ssh-dss", "p", "q", "g", "y"), "")).toBeUndefined();
  });

  test("is parsed from any bytes without an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        publicPartOfBlob(Buffer.from(bytes), "x");
      }),
    );
  });
});

describe("an agent's answer", () => {
  const blob = encode("ssh-ed25519", Buffer.alloc(32, 1));

  test("lists key blobs with their comments, control characters taken out", () => {
    const answer = Buffer.concat([Buffer.from([12]), encode(1, blob, "me\x1b[2J@laptop")]);
    expect(parseIdentities(answer)).toEqual([{ blob, comment: "me [2J@laptop" }]);
  });

  test("that is a refusal holds nothing, and one that is cut off is an error", () => {
    expect(parseIdentities(Buffer.from([5]))).toEqual([]);
    expect(() => parseIdentities(Buffer.concat([Buffer.from([12]), encode(2, blob, "x")]))).toThrow(
      /cut off/,
    );
    expect(() => parseIdentities(Buffer.concat([Buffer.from([12]), encode(4_000_000)]))).toThrow(/4000000/);
    expect(() => parseIdentities(Buffer.from([14]))).toThrow(/message 14/);
  });

  test("is asked for without asking for anything else", () => {
    expect([...IDENTITIES_REQUEST]).toEqual([0, 0, 0, 1, 11]);
  });
});
