import { createHash, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { isGoodSignature } from "../../../../protocol/ssh/key-signature.ts";
import { encode } from "../../../../protocol/ssh/wire.ts";

const numberOf = (text = ""): bigint => BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);

function bytesOf(number: bigint, size: number): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * size, "0"), "hex");
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** undefined: there is none. */
function inverse(number: bigint, modulus: bigint): bigint | undefined {
  let [a, b, x, y] = [number, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return a === 1n ? ((x % modulus) + modulus) % modulus : undefined;
}

test("an RSA key whose public exponent is large proves nothing: to verify it costs its holder's victim too much", () => {
  const { p, q } = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const n = numberOf(p) * numberOf(q);
  const order = (numberOf(p) - 1n) * (numberOf(q) - 1n);
  const signed = Buffer.from("something");
  // RFC 8017 §9.2, with the DigestInfo of SHA-512.
  const digest = Buffer.concat([
    Buffer.from("3051300d060960864801650304020305000440", "hex"),
    createHash("sha512").update(signed).digest(),
  ]);
  const padding = Buffer.concat([
    Buffer.from([0, 1]),
    Buffer.alloc(253 - digest.length, 0xff),
    Buffer.from([0]),
  ]);
  const padded = numberOf(Buffer.concat([padding, digest]).toString("base64url"));
  const isGood = (publicExponent: bigint, privateExponent: bigint): boolean => {
    const size = Math.ceil(publicExponent.toString(16).length / 2);
    const blob = encode(
      "ssh-rsa",
      bytesOf(publicExponent, size),
      Buffer.concat([Buffer.from([0]), bytesOf(n, 256)]),
    );
    const signature = bytesOf(power(padded, privateExponent, n), 256);
    return isGoodSignature(
      { type: "ssh-rsa", blob, hash: "sha512", signature, signed },
      { touchRequired: false, verificationRequired: false },
    );
  };
  expect(isGood(65_537n, inverse(65_537n, order) ?? 0n)).toBe(true);
  let small = 3n;
  while (inverse(small, order) === undefined) small += 2n;
  expect(isGood(inverse(small, order) ?? 0n, small)).toBe(false);
});
