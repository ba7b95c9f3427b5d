import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeCreateSessionRequest,
  encodeCreateSessionResponse,
  MAX_CLIENT_KEYS,
  MAX_HOST_KEYS,
  MAX_REQUEST_BYTES,
  MessageError,
} from "../../../../gateway/upterm/messages.ts";

// Bytes as protoc writes them for upterm's own definition.
const request = hex(
  "0a03616461", // 1: "ada"
  "12087373682d6b31310a", // 2: "ssh-k11\n"
  "12087373682d6b32320a", // 2: "ssh-k22\n"
  "1a087373682d61616a0a", // 3: "ssh-aaj\n"
);

test("a request as upterm's host writes it is read", () => {
  expect(decodeCreateSessionRequest(request)).toEqual({
    hostUser: "ada",
    hostPublicKeys: ["ssh-k11\n", "ssh-k22\n"],
    clientAuthorizedKeys: ["ssh-aaj\n"],
    identity: null,
  });
});

test("a proven request carries secret, generation and proof", () => {
  const bytes = hex("220400010203", "28ac02", "3203ddeeff");
  expect(decodeCreateSessionRequest(bytes).identity).toEqual({
    secret: Buffer.from([0, 1, 2, 3]),
    generation: 300n,
    proof: Buffer.from([0xdd, 0xee, 0xff]),
  });
});

test("secret and generation are ignored without a proof", () => {
  expect(decodeCreateSessionRequest(hex("220400010203", "2801")).identity).toBeNull();
});

test("fields of unknown numbers and all four types are skipped", () => {
  const unknown = hex(
    "7896 01",
    "79 0102030405060708",
    "7a 03 616263",
    "7d 01020304",
    "f2 ff ff ff 0f 01 00",
  );
  expect(decodeCreateSessionRequest(Buffer.concat([unknown, request, unknown]))).toEqual(
    decodeCreateSessionRequest(request),
  );
});

test("an empty request is a request with nothing in it", () => {
  expect(decodeCreateSessionRequest(Buffer.alloc(0))).toEqual({
    hostUser: "",
    hostPublicKeys: [],
    clientAuthorizedKeys: [],
    identity: null,
  });
});

describe("refused", () => {
  test.each([
    ["a length beyond the end", hex("0a05616461")],
    ["a length of 2^63", hex("0affffffffffffffff7f")],
    ["a number that does not end", hex("28ffffffffffffffffffffff01")],
    ["a cut number", hex("28ff")],
    ["field number 0", hex("0201 61")],
    ["a group", hex("0b0c")],
    ["a number where bytes belong", hex("0801")],
    ["bytes where a number belongs", hex("2a0161")],
    ["a text that is not UTF-8", hex("0a01ff")],
    ["a user name of 257 bytes", Buffer.concat([hex("0a8102"), Buffer.alloc(257, 97)])],
    ["too many host keys", Buffer.concat(Array(MAX_HOST_KEYS + 1).fill(hex("120161")))],
    ["too many client keys", Buffer.concat(Array(MAX_CLIENT_KEYS + 1).fill(hex("1a0161")))],
    ["too many fields", Buffer.concat(Array(4_097).fill(hex("7801")))],
    ["a request that is too large", Buffer.alloc(MAX_REQUEST_BYTES + 1)],
  ])("%s", (_what, bytes) => {
    expect(() => decodeCreateSessionRequest(bytes)).toThrow(MessageError);
  });
});

test("whatever the bytes, reading gives a request or a MessageError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decodeCreateSessionRequest(bytes);
      } catch (error) {
        if (!(error instanceof MessageError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});

test("every request survives being written and read", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 300 });
  fc.assert(
    fc.property(
      fc.record({
        user: fc.string({ maxLength: 60 }),
        hostKeys: fc.array(line, { maxLength: MAX_HOST_KEYS }),
        clientKeys: fc.array(line, { maxLength: 20 }),
        generation: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        proof: fc.uint8Array({ minLength: 1, maxLength: 100 }),
      }),
      ({ user, hostKeys, clientKeys, generation, proof }) => {
        const bytes = Buffer.concat([
          blockField(1, Buffer.from(user)),
          ...hostKeys.map((key) => blockField(2, Buffer.from(key))),
          ...clientKeys.map((key) => blockField(3, Buffer.from(key))),
          Buffer.from([5 << 3]),
          varint(generation),
          blockField(6, Buffer.from(proof)),
        ]);
        expect(decodeCreateSessionRequest(bytes)).toEqual({
          hostUser: user,
          hostPublicKeys: hostKeys,
          clientAuthorizedKeys: clientKeys,
          identity: { secret: Buffer.alloc(0), generation, proof: Buffer.from(proof) },
        });
      },
    ),
  );
});

test("a response is what protoc writes: fields in order, defaults left out", () => {
  const response = { sessionId: "abc", nodeAddress: "gw:22", sshUser: "abc", sessionKeyRedial: true };
  expect(encodeCreateSessionResponse(response)).toEqual(
    hex("0a03616263", "120567773a3232", "1a03616263", "2001"),
  );
  expect(encodeCreateSessionResponse({ ...response, sessionKeyRedial: false, nodeAddress: "" })).toEqual(
    hex("0a03616263", "1a03616263"),
  );
});

test("a text of more than 127 bytes has a length of two bytes", () => {
  const response = { sessionId: "a".repeat(300), nodeAddress: "", sshUser: "", sessionKeyRedial: false };
  expect(encodeCreateSessionResponse(response)).toEqual(
    Buffer.concat([hex("0aac02"), Buffer.alloc(300, 97)]),
  );
});

function hex(...parts: string[]): Buffer {
  return Buffer.from(parts.join("").replaceAll(" ", ""), "hex");
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}

function blockField(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(value.length)), value]);
}
