import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../protocol/errors.ts";
import {
  type Certificate,
  certificateType,
  checkUserCertificate,
  parseCertificate,
  signUserCertificate,
} from "../../../../protocol/ssh/certificate.ts";
import { opensshEd25519, parseOpensshEd25519 } from "../../../../protocol/ssh/private-key.ts";
import { encode, WireReader } from "../../../../protocol/ssh/wire.ts";

let directory = "";
const path = (name: string) => join(directory, name);
const keygen = (...args: string[]) =>
  execFileSync("ssh-keygen", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const line = (name: string) => readFileSync(path(name), "utf8").trim().split(" ");
const blobIn = (name: string) => Buffer.from(line(name)[1] ?? "", "base64");

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "certificate-"));
  for (const [name, ...type] of [
    ["ed25519", "-t", "ed25519"],
    ["rsa", "-t", "rsa", "-b", "2048"],
    ["p256", "-t", "ecdsa", "-b", "256"],
    ["p384", "-t", "ecdsa", "-b", "384"],
    ["p521", "-t", "ecdsa", "-b", "521"],
    ["other", "-t", "ed25519"],
  ] as const) {
    keygen("-q", ...type, "-N", "", "-C", "", "-f", path(name ?? ""));
  }
  // The public halves of FIDO keys are all that an authority needs.
  const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const sk = encode("sk-ssh-ed25519@openssh.com", Buffer.from(x ?? "", "base64url"), "ssh:");
  writeFileSync(path("sk.pub"), `sk-ssh-ed25519@openssh.com ${sk.toString("base64")}\n`);
  const p256 = new WireReader(blobIn("p256.pub"));
  p256.string();
  const ec = encode("sk-ecdsa-sha2-nistp256@openssh.com", p256.string(), p256.string(), "ssh:");
  writeFileSync(path("sk-ecdsa.pub"), `sk-ecdsa-sha2-nistp256@openssh.com ${ec.toString("base64")}\n`);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Has ssh-keygen sign `name`.pub, and returns the certificate's wire form. */
function certify(name: string, authority: string, ...options: string[]): Buffer {
  keygen("-q", "-s", path(authority), "-I", "an id", "-n", "ada,grace", ...options, path(`${name}.pub`));
  return blobIn(`${name}-cert.pub`);
}

const check = (certificate: Certificate, now = new Date()) => checkUserCertificate(certificate, "ada", now);

describe("reading certificates that ssh-keygen signed", () => {
  test.each(["ed25519", "rsa", "p256", "p384", "p521", "sk", "sk-ecdsa"])(
    "reads the certificate of a key of type %s",
    (name) => {
      const certificate = parseCertificate(certify(name, "other", "-z", "42"));
      expect(certificate.key.blob).toEqual(blobIn(`${name}.pub`));
      expect(certificate.key.type).toBe(line(`${name}.pub`)[0]);
      expect(certificate.authority.blob).toEqual(blobIn("other.pub"));
      expect(certificate).toMatchObject({
        serial: 42n,
        role: "user",
        keyId: "an id",
        principals: ["ada", "grace"],
      });
      expect([...certificate.extensions.keys()]).toContain("permit-pty");
      expect(check(certificate)).toEqual({
        forceCommand: undefined,
        sourceAddress: undefined,
        verifyRequired: false,
      });
    },
  );

  test.each(["ed25519", "rsa", "p256", "p384", "p521"])(
    "verifies the signature of an authority of type %s",
    (name) => {
      const blob = certify("other", name);
      expect(parseCertificate(blob).authority.blob).toEqual(blobIn(`${name}.pub`));
      const broken = Buffer.from(blob);
      // The serial, the first thing that nothing but the signature protects.
      const reader = new WireReader(broken);
      for (let skipped = 0; skipped < 3; skipped++) reader.string();
      broken.writeUInt8(1, reader.offset);
      expect(() => parseCertificate(broken)).toThrow("signature was not made by its authority");
    },
  );

  test("refuses an RSA authority that signs with SHA-1", () => {
    const blob = certify("ed25519", "rsa", "-t", "ssh-rsa");
    expect(() => parseCertificate(blob)).toThrow("signature was not made by its authority");
  });

  test.each([
    ["sk-ssh-ed25519@openssh.com", 0],
    ["sk-ssh-ed25519@openssh.com", 1],
  ])("verifies the signature of an authority of type %s, flags %i", (type, flags) => {
    const pair = generateKeyPairSync("ed25519");
    const x = Buffer.from(pair.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const body = Buffer.concat([bodyOf(certify("ed25519", "other")), encode(encode(type, x, "ssh:"))]);
    const tail = Buffer.from([flags, 0, 0, 0, 9]);
    const hash = (data: string | Buffer) => createHash("sha256").update(data).digest();
    const signature = sign(null, Buffer.concat([hash("ssh:"), tail, hash(body)]), pair.privateKey);
    const whole = (bytes: Buffer) =>
      Buffer.concat([body, encode(Buffer.concat([encode(type, bytes), tail]))]);
    expect(parseCertificate(whole(signature)).authority.type).toBe(type);
    signature.writeUInt8(signature.readUInt8(3) ^ 1, 3);
    expect(() => parseCertificate(whole(signature))).toThrow("signature was not made by its authority");
  });

  test("refuses a certificate as the authority", () => {
    const blob = certify("ed25519", "other");
    const body = Buffer.concat([bodyOf(blob), encode(certify("other", "ed25519"))]);
    expect(() => parseCertificate(Buffer.concat([body, encode("")]))).toThrow(ProtocolError);
  });

  test("refuses anything that is not a certificate", () => {
    expect(() => parseCertificate(blobIn("ed25519.pub"))).toThrow("Unknown type");
    expect(() => parseCertificate(Buffer.alloc(0))).toThrow("malformed");
    const blob = certify("ed25519", "other");
    expect(() => parseCertificate(Buffer.concat([blob, Buffer.from([0])]))).toThrow("malformed");
  });

  test("throws nothing but bad_key, whatever the bytes", () => {
    const blob = certify("ed25519", "other");
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.nat(255), fc.nat(blob.length), (at, value, end) => {
        const changed = Buffer.from(blob);
        changed.writeUInt8(value, at);
        if (changed.equals(blob) && end === blob.length) return;
        expect(() => parseCertificate(changed.subarray(0, Math.max(end, at)))).toThrow(ProtocolError);
      }),
      { numRuns: 500 },
    );
  });
});

/** Everything before the authority's key. */
function bodyOf(certificate: Buffer): Buffer {
  const reader = new WireReader(certificate);
  for (let field = 0; field < 3; field++) reader.string();
  reader.uint64();
  reader.uint32();
  reader.string();
  reader.string();
  reader.uint64();
  reader.uint64();
  for (let field = 0; field < 3; field++) reader.string();
  return certificate.subarray(0, reader.offset);
}

describe("checking a certificate", () => {
  test("refuses it before and after its time", () => {
    const certificate = parseCertificate(
      certify("ed25519", "other", "-V", "20300101000000Z:20300102000000Z"),
    );
    const at = (text: string) => () => check(certificate, new Date(text));
    expect(at("2029-12-31T23:59:59Z")).toThrow("not valid yet");
    expect(at("2030-01-01T00:00:00Z")).not.toThrow();
    expect(at("2030-01-01T23:59:59.999Z")).not.toThrow();
    expect(at("2030-01-02T00:00:00Z")).toThrow("expired");
  });

  test("refuses it for a principal that it does not name, and where it names none", () => {
    const certificate = parseCertificate(certify("ed25519", "other"));
    expect(() => checkUserCertificate(certificate, "eve", new Date())).toThrow("other principals");
    keygen("-q", "-s", path("other"), "-I", "x", path("ed25519.pub"));
    expect(() => check(parseCertificate(blobIn("ed25519-cert.pub")))).toThrow("other principals");
  });

  test("refuses a host's certificate", () => {
    expect(() => check(parseCertificate(certify("ed25519", "other", "-h")))).toThrow("host's");
  });

  test("hands on the critical options that it knows", () => {
    const certificate = parseCertificate(
      certify(
        "sk",
        "other",
        "-O",
        "force-command=uptime",
        "-O",
        "source-address=10.0.0.0/8,::1",
        "-O",
        "verify-required",
      ),
    );
    expect(check(certificate)).toEqual({
      forceCommand: "uptime",
      sourceAddress: "10.0.0.0/8,::1",
      verifyRequired: true,
    });
  });

  test("refuses a critical option that it does not know, and takes an unknown extension", () => {
    const extension = parseCertificate(certify("ed25519", "other", "-O", "extension:new@example.com=x"));
    expect(() => check(extension)).not.toThrow();
    const critical = parseCertificate(certify("ed25519", "other", "-O", "critical:new@example.com=x"));
    expect(() => check(critical)).toThrow("not supported: new@example.com");
  });

  test("knows certificate algorithms, and none with SHA-1", () => {
    expect(certificateType("ssh-ed25519-cert-v01@openssh.com")).toBe("ssh-ed25519-cert-v01@openssh.com");
    expect(certificateType("rsa-sha2-512-cert-v01@openssh.com")).toBe("ssh-rsa-cert-v01@openssh.com");
    expect(certificateType("ssh-rsa-cert-v01@openssh.com")).toBeUndefined();
    expect(certificateType("ssh-ed25519")).toBeUndefined();
    expect(certificateType("__proto__")).toBeUndefined();
  });
});

describe("signing a certificate", () => {
  const key = generateKeyPairSync("ed25519");
  const authority = generateKeyPairSync("ed25519");
  const issued = {
    key: key.publicKey,
    authority: authority.privateKey,
    keyId: "session 7",
    principals: ["work space", "zwei"],
    validAfter: new Date("2030-01-01T00:00:00Z"),
    validBefore: new Date("2030-01-01T00:02:00Z"),
    extensions: new Map<string, string | Uint8Array>([
      ["permit-pty", ""],
      ["about@example.com", "who"],
    ]),
  };

  test("makes one that ssh-keygen reads", () => {
    const blob = signUserCertificate(issued);
    writeFileSync(path("made-cert.pub"), `ssh-ed25519-cert-v01@openssh.com ${blob.toString("base64")}\n`);
    const shown = execFileSync("ssh-keygen", ["-L", "-f", path("made-cert.pub")], {
      encoding: "utf8",
      env: { ...process.env, TZ: "UTC" },
    });
    expect(shown).toContain("user certificate");
    expect(shown).toContain('Key ID: "session 7"');
    expect(shown).toContain("Valid: from 2030-01-01T00:00:00 to 2030-01-01T00:02:00");
    expect(shown).toMatch(/Principals:\s+work space\s+zwei\s+Critical Options: \(none\)/);
    expect(shown).toMatch(/Extensions:\s+about@example.com UNKNOWN OPTION.*\(len 7\)\s+permit-pty/);
  });

  test("makes one that reads back as it was given", () => {
    const certificate = parseCertificate(signUserCertificate(issued));
    expect(certificate).toMatchObject({
      keyId: "session 7",
      principals: ["work space", "zwei"],
      role: "user",
    });
    expect(certificate.extensions.get("about@example.com")).toEqual(encode("who"));
    expect(certificate.extensions.get("permit-pty")).toEqual(Buffer.alloc(0));
    const point = new WireReader(certificate.authority.blob);
    point.string();
    const x = point.string().toString("base64url");
    const same = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
    expect(same.equals(authority.publicKey)).toBe(true);
  });
});

describe("private keys in OpenSSH's form", () => {
  test("are read from what ssh-keygen and we write", () => {
    const read = createPublicKey(parseOpensshEd25519(readFileSync(path("ed25519"), "utf8")));
    const x = Buffer.from(read.export({ format: "jwk" }).x ?? "", "base64url");
    expect(encode("ssh-ed25519", x)).toEqual(blobIn("ed25519.pub"));
    const { privateKey } = generateKeyPairSync("ed25519");
    expect(parseOpensshEd25519(opensshEd25519(privateKey)).equals(privateKey)).toBe(true);
  });

  test("are refused without a word on their content", () => {
    keygen("-q", "-t", "ed25519", "-N", "a passphrase", "-f", path("locked"));
    for (const name of ["locked", "rsa", "ed25519.pub"]) {
      const text = readFileSync(path(name), "utf8");
      expect(() => parseOpensshEd25519(text)).toThrow(/^This is not an unencrypted ed25519 private key/);
    }
  });
});
