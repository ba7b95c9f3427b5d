import * as nodeCrypto from "node:crypto";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { describe, expect, test } from "vitest";
import {
  CLIENT_INIT_LENGTH,
  hybridClient,
  hybridServer,
  SERVER_REPLY_LENGTH,
} from "../../../../../protocol/ssh/ssh2/hybrid-key-exchange.ts";

describe("mlkem768x25519-sha256", () => {
  test("gives both sides the same 32 bytes", () => {
    const client = hybridClient();
    const server = hybridServer();
    const secret = server.computeSecret(client.publicValue());
    expect(secret).toHaveLength(32);
    expect(client.computeSecret(server.publicValue())).toEqual(secret);
  });

  test("sends values of the sizes that the draft names", () => {
    const client = hybridClient();
    expect([client.publicValue().length, CLIENT_INIT_LENGTH]).toEqual([1216, 1216]);
    const server = hybridServer();
    server.computeSecret(client.publicValue());
    expect([server.publicValue().length, SERVER_REPLY_LENGTH]).toEqual([1120, 1120]);
  });

  test.each([0, 32, 1215, 1217])("refuses a client's value of %i bytes", (length) => {
    expect(() => hybridServer().computeSecret(Buffer.alloc(length))).toThrow("instead of 1216");
  });

  test.each([0, 32, 1119, 1121])("refuses a server's value of %i bytes", (length) => {
    expect(() => hybridClient().computeSecret(Buffer.alloc(length))).toThrow("instead of 1120");
  });

  test("refuses an ML-KEM key with numbers that are not reduced", () => {
    const init = Buffer.from(hybridClient().publicValue());
    init.fill(0xff, 0, 3);
    expect(() => hybridServer().computeSecret(init)).toThrow();
  });

  test("refuses an X25519 key that leads to nothing but zeros", () => {
    const init = Buffer.from(hybridClient().publicValue());
    init.fill(0, 1184);
    expect(() => hybridServer().computeSecret(init)).toThrow();
  });

  test("yields a different secret if the ciphertext was changed in transit", () => {
    const client = hybridClient();
    const server = hybridServer();
    const secret = server.computeSecret(client.publicValue());
    const reply = Buffer.from(server.publicValue());
    reply.writeUInt8(reply.readUInt8(100) ^ 1, 100);
    expect(client.computeSecret(reply)).not.toEqual(secret);
  });
});

const { encapsulate, decapsulate } = nodeCrypto;
const supported = typeof encapsulate === "function" && typeof decapsulate === "function";

describe.skipIf(!supported)("ML-KEM-768 as OpenSSL does it (from Node 24.7 on)", () => {
  test("opens what we encapsulate", () => {
    const { publicKey, privateKey } = nodeCrypto.generateKeyPairSync("ml-kem-768");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-1184);
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(raw);
    expect(decapsulate(privateKey, cipherText)).toEqual(Buffer.from(sharedSecret));
  });

  test("encapsulates what we open", () => {
    const { publicKey: raw, secretKey } = ml_kem768.keygen();
    const { publicKey } = nodeCrypto.generateKeyPairSync("ml-kem-768");
    const head = publicKey.export({ type: "spki", format: "der" }).subarray(0, -1184);
    const key = nodeCrypto.createPublicKey({
      key: Buffer.concat([head, raw]),
      type: "spki",
      format: "der",
    });
    const { ciphertext, sharedKey } = encapsulate(key);
    expect(Buffer.from(ml_kem768.decapsulate(ciphertext, secretKey))).toEqual(sharedKey);
  });
});
