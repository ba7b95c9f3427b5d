import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../protocol/errors.ts";
import {
  type Certificate,
  checkUserCertificate,
  parseCertificate,
  signUserCertificate,
} from "../../../../protocol/ssh/certificate.ts";
import {
  type CertifiedPerson,
  issueGatewayCertificate,
  readGatewayCertificate,
} from "../../../../protocol/ssh/gateway-certificate.ts";
import { opensshEd25519 } from "../../../../protocol/ssh/private-key.ts";
import { encode } from "../../../../protocol/ssh/wire.ts";
import { newTokenId } from "../../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";

const gateway = generateKeyPairSync("ed25519");
const signingKey = opensshEd25519(gateway.privateKey);
const line = `ssh-ed25519 ${encode("ssh-ed25519", Buffer.alloc(32, 7)).toString("base64")}`;
const now = new Date("2030-01-01T00:00:00Z");
const key: CertifiedPerson = {
  proof: { kind: "key", publicKey: parsePublicKey(`${line} ada@laptop`) },
  address: "192.0.2.7",
  clientVersion: "SSH-2.0-OpenSSH_9.2",
};
const token: CertifiedPerson = {
  proof: { kind: "owner-token", tokenId: newTokenId(), expiresAt: new Date("2030-01-02T00:00:00Z") },
  address: "",
  clientVersion: "",
};
const issue = (person: CertifiedPerson) => issueGatewayCertificate(person, signingKey, "dev", "an id", now);

describe("a gateway's certificate", () => {
  test("is good for a minute before and after, for one user name", () => {
    const certificate = parseCertificate(issue(key).certificate);
    const at =
      (seconds: number, name = "dev") =>
      () =>
        checkUserCertificate(certificate, name, new Date(now.getTime() + seconds * 1000));
    expect(at(-61)).toThrow("not valid yet");
    expect(at(-60)).not.toThrow();
    expect(at(59)).not.toThrow();
    expect(at(60)).toThrow("expired");
    expect(at(0, "other")).toThrow("principals");
  });

  test("is for a key of its own, which the gateway's host key signed", () => {
    const one = issue(key);
    const two = issue(key);
    const x = Buffer.from(gateway.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    expect(parseCertificate(one.certificate).authority.blob).toEqual(encode("ssh-ed25519", x));
    expect(parseCertificate(one.certificate).key.blob).not.toEqual(
      parseCertificate(two.certificate).key.blob,
    );
    expect(one.privateKey.equals(gateway.privateKey)).toBe(false);
  });

  test("names a person's key in the bytes that upterm's hosts read", () => {
    const { extensions } = parseCertificate(issue(key).certificate);
    const text = (number: number, value: string) =>
      Buffer.concat([Buffer.from([number * 8 + 2, value.length]), Buffer.from(value)]);
    expect(line.length + 1).toBeLessThan(128);
    const request = Buffer.concat([
      text(1, "SSH-2.0-OpenSSH_9.2"),
      text(2, "192.0.2.7"),
      text(3, `${line}\n`),
    ]);
    expect(extensions.get("upterm-auth-request")).toEqual(encode(request));
  });

  test("reads back as it was issued", () => {
    const read = readGatewayCertificate(parseCertificate(issue(key).certificate));
    expect(read).toMatchObject({ address: key.address, clientVersion: key.clientVersion });
    expect(read.proof).toMatchObject({ kind: "key", publicKey: { type: "ssh-ed25519", comment: "" } });
    expect(readGatewayCertificate(parseCertificate(issue(token).certificate))).toEqual(token);
  });

  const withExtensions = (...extensions: [string, Uint8Array][]): Certificate =>
    parseCertificate(
      signUserCertificate({
        key: gateway.publicKey,
        authority: gateway.privateKey,
        keyId: "",
        principals: ["dev"],
        validAfter: now,
        validBefore: now,
        extensions: new Map(extensions),
      }),
    );

  test("is refused where it names nobody, or two", () => {
    expect(() => readGatewayCertificate(withExtensions())).toThrow("does not name one person");
    const both = withExtensions(
      ["upterm-auth-request", Buffer.from([1])],
      ["sallyport-owner-token@sallyport", Buffer.from([1])],
    );
    expect(() => readGatewayCertificate(both)).toThrow("does not name one person");
  });

  test("is refused if its key has options", () => {
    const request = Buffer.from(`restrict ${line}`);
    const named = Buffer.concat([Buffer.from([26, request.length]), request]);
    expect(() => readGatewayCertificate(withExtensions(["upterm-auth-request", named]))).toThrow(
      ProtocolError,
    );
  });

  test("throws nothing but ProtocolError, whatever is in it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("upterm-auth-request", "sallyport-owner-token@sallyport"),
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        (name, bytes) => {
          expect(() => readGatewayCertificate(withExtensions([name, bytes]))).toThrow(ProtocolError);
        },
      ),
      { numRuns: 300 },
    );
  });
});
