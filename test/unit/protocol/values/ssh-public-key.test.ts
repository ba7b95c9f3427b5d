import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../protocol/errors.ts";
import {
  formatPublicKey,
  parseAuthorizedKeys,
  parsePublicKey,
} from "../../../../protocol/values/ssh-public-key.ts";

const directory = mkdtempSync(join(tmpdir(), "sallyport-keys-"));
afterAll(() => rmSync(directory, { recursive: true }));

let made = 0;
function keygen(type: string, bits: number): { line: string; fingerprint: string; privateKey: string } {
  const file = join(directory, `${type}-${made++}`);
  execFileSync("ssh-keygen", [
    "-q",
    "-t",
    type,
    "-b",
    String(bits),
    "-N",
    "",
    "-C",
    "ann at home",
    "-f",
    file,
  ]);
  const listed = execFileSync("ssh-keygen", ["-l", "-f", `${file}.pub`], { encoding: "utf8" });
  return {
    line: readFileSync(`${file}.pub`, "utf8"),
    fingerprint: listed.split(" ")[1] ?? "",
    privateKey: readFileSync(file, "utf8"),
  };
}

describe("a public key line", () => {
  test.each([
    ["ed25519", 256],
    ["rsa", 2048],
    ["ecdsa", 256],
    ["ecdsa", 384],
    ["ecdsa", 521],
  ])("of ssh-keygen's (%s, %i bits) has the fingerprint that ssh-keygen prints", (type, bits) => {
    const { line, fingerprint } = keygen(type, bits);
    const key = parsePublicKey(line);
    expect(key.fingerprint).toBe(fingerprint);
    expect(key.comment).toBe("ann at home");
    expect(formatPublicKey(key)).toBe(line.trim());
  });

  test("of a security key is parsed by the shape that PROTOCOL.u2f gives", () => {
    const field = (bytes: Buffer): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const type = "sk-ssh-ed25519@openssh.com";
    const blob = Buffer.concat([
      field(Buffer.from(type)),
      field(Buffer.alloc(32, 7)),
      field(Buffer.from("ssh:")),
    ]);
    expect(parsePublicKey(`${type} ${blob.toString("base64")}`).type).toBe(type);
    const short = Buffer.concat([
      field(Buffer.from(type)),
      field(Buffer.alloc(31, 7)),
      field(Buffer.from("ssh:")),
    ]);
    expect(() => parsePublicKey(`${type} ${short.toString("base64")}`)).toThrow(/cut off/);
  });

  test("keeps its options apart, with quoted blanks inside", () => {
    const { line } = keygen("ed25519", 256);
    const key = parsePublicKey(`no-pty,command="echo \\"a b\\"" ${line}`);
    expect(key.options).toBe('no-pty,command="echo \\"a b\\""');
  });

  test("that is a private key is refused with a warning, and not repeated", () => {
    const { privateKey } = keygen("ed25519", 256);
    expect(() => parsePublicKey(privateKey)).toThrow(/PRIVATE key/);
    try {
      parsePublicKey(privateKey);
    } catch (error) {
      expect(String(error)).not.toContain(privateKey.split("\n")[1]);
    }
  });

  test("that is cut off, damaged, of another type inside, or with bytes behind it is refused", () => {
    const { line } = keygen("ed25519", 256);
    const [type = "", base64 = ""] = line.split(" ");
    const blob = Buffer.from(base64, "base64");
    const bad = [
      `${type} ${base64.slice(0, -8)}`,
      `${type} ${base64}!`,
      `ssh-rsa ${base64}`,
      `${type} ${Buffer.concat([blob, Buffer.from([0])]).toString("base64")}`,
      `ssh-dss ${base64}`,
      type,
      "",
      "a\0b",
      `${type} ${base64}\n${type} ${base64}`,
    ];
    for (const text of bad) expect(() => parsePublicKey(text), text).toThrow(ProtocolError);
  });

  test("never makes the parser throw anything but bad_key", () => {
    const { line } = keygen("ed25519", 256);
    const nearlyKeys = fc.tuple(fc.nat(line.length), fc.string({ maxLength: 4 })).map(([at, text]) => {
      return line.slice(0, at) + text + line.slice(at + text.length);
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string(), nearlyKeys), (value) => {
        try {
          parsePublicKey(value);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          expect(error).toHaveProperty("code", "bad_key");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("an authorized_keys file", () => {
  test("gives its keys and tells the lines that are none, with any line ending", () => {
    const { line } = keygen("ed25519", 256);
    const { keys, problems } = parseAuthorizedKeys(`# mine\r\n\r\n${line.trim()}\r\nnonsense here\n`);
    expect(keys).toHaveLength(1);
    expect(problems).toEqual([{ line: 4, message: expect.stringContaining("Unknown key type") }]);
  });
});
