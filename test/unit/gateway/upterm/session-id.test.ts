import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  derivedSessionId,
  isProven,
  newSessionId,
  sessionIdIn,
  sessionLabel,
} from "../../../../gateway/upterm/session-id.ts";
import { encode } from "../../../../protocol/ssh/wire.ts";
import { isName } from "../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";

test("a new id is 20 letters and digits, never the same, and never a workspace's name", () => {
  const ids = Array.from({ length: 500 }, newSessionId);
  expect(new Set(ids).size).toBe(500);
  for (const id of ids) {
    expect(id).toMatch(/^[A-Za-z0-9]{20}$/);
    expect(isName(id)).toBe(false);
  }
});

describe("a user name", () => {
  const id = "AbCdEfGhIjKlMnOpQrSt";
  test.each([
    ["the id alone", id, id],
    ["an id and a node, which is ignored", `${id}:MTI3LjAuMC4xOjIy`, id],
    ["a padded node", `${id}:MTI3LjAuMC4xOjIyMg==`, id],
    ["an empty node", `${id}:`, id],
    ["one character less", id.slice(1), undefined],
    ["one character more", `${id}x`, undefined],
    ["a line end", `${id}\n`, undefined],
    ["something that is not base64", `${id}:../..`, undefined],
    ["a node of 401 characters", `${id}:${"a".repeat(401)}`, undefined],
    ["a workspace's name", "dev", undefined],
    ["nothing", "", undefined],
  ])("%s", (_what, text, expected) => {
    expect(sessionIdIn(text)).toBe(expected);
  });

  test("is not an id in any other form", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        const found = sessionIdIn(text);
        expect(found === undefined || text === found || text.startsWith(`${found}:`)).toBe(true);
      }),
    );
  });
});

test("a label shows nothing of the id", () => {
  const id = newSessionId();
  expect(sessionLabel(id)).not.toContain(id.slice(0, 4));
  expect(sessionLabel(id)).toBe(sessionLabel(id));
});

describe("a host that can redial", () => {
  const secret = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
  const sshSessionId = randomBytes(32);

  test("has the id that the host itself derives", () => {
    // The key of 32 bytes 0, 1, …, 31 and this secret, by a program of the other side (golang.org/x/crypto
    // and math/big).
    const blob = encode("ssh-ed25519", Buffer.from(Array.from({ length: 32 }, (_, index) => index)));
    const key = parsePublicKey(`ssh-ed25519 ${blob.toString("base64")}`);
    expect(derivedSessionId(key, secret)).toBe("dhEMP4CIHdpotkjo3CVg");
  });

  test("is accepted when its key has signed this connection, the secret and the generation", () => {
    const { key, prove } = hostKey();
    const proof = prove(sshSessionId, secret, 3n);
    expect(isProven(key, sshSessionId, { secret, generation: 3n, proof })).toBe(true);
  });

  test.each([
    ["another connection", { sshSessionId: randomBytes(32) }],
    ["another secret", { secret: randomBytes(16) }],
    ["another generation", { generation: 4n }],
  ])("is not believed with a proof for %s", (_what, other) => {
    const { key, prove } = hostKey();
    const proof = prove(sshSessionId, secret, 3n);
    const used = { sshSessionId, secret, generation: 3n, ...other };
    expect(isProven(key, used.sshSessionId, { ...used, proof })).toBe(false);
  });

  test("is not accepted with a different key's proof, a damaged proof, a short secret or generation 0", () => {
    const { key, prove } = hostKey();
    const other = hostKey();
    const proof = prove(sshSessionId, secret, 1n);
    const short = randomBytes(15);
    expect(isProven(other.key, sshSessionId, { secret, generation: 1n, proof })).toBe(false);
    expect(isProven(key, sshSessionId, { secret, generation: 1n, proof: proof.subarray(1) })).toBe(false);
    expect(
      isProven(key, sshSessionId, { secret: short, generation: 1n, proof: prove(sshSessionId, short, 1n) }),
    ).toBe(false);
    expect(
      isProven(key, sshSessionId, { secret, generation: 0n, proof: prove(sshSessionId, secret, 0n) }),
    ).toBe(false);
  });
});

function hostKey() {
  const pair = generateKeyPairSync("ed25519");
  const x = Buffer.from(pair.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const key = parsePublicKey(`ssh-ed25519 ${encode("ssh-ed25519", x).toString("base64")}`);
  const prove = (sshSessionId: Buffer, secret: Buffer, generation: bigint): Buffer => {
    const count = Buffer.alloc(8);
    count.writeBigUInt64BE(generation);
    const signed = Buffer.concat([encode("upterm-session-v1", sshSessionId, secret), count]);
    return encode(
      "ssh-ed25519",
      sign(null, signed, createPrivateKey(pair.privateKey.export({ type: "pkcs8", format: "pem" }))),
    );
  };
  return { key, prove };
}
