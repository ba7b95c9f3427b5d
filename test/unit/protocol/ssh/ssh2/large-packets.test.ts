// Packets that ssh2's deciphers refuse by themselves, through each of them: every cipher and MAC that is offered, in ssh2's
// native binding and in its JavaScript.

import { randomBytes } from "node:crypto";
import ssh2Crypto from "ssh2/lib/protocol/crypto.js";
import { beforeAll, describe, expect, test } from "vitest";
import { CLIENT_ALGORITHMS } from "../../../../../protocol/ssh/ssh2/algorithms.ts";
import { extend, MAX_PACKET_BYTES } from "../../../../../protocol/ssh/ssh2/large-packets.ts";
import { longIf } from "../../../../support/long.ts";

beforeAll(async () => {
  await ssh2Crypto.init;
});

const authenticated = CLIENT_ALGORITHMS.cipher.filter((name) => !name.endsWith("-ctr"));
const others = CLIENT_ALGORITHMS.cipher.filter((name) => name.endsWith("-ctr"));
const suites = [
  ...authenticated.map((cipher) => [cipher, ""] as const),
  ...others.flatMap((cipher) => CLIENT_ALGORITHMS.hmac.map((mac) => [cipher, mac] as const)),
];
const implementations = ssh2Crypto.bindingAvailable ? [true, false] : [true];

const all = suites.flatMap((suite) => implementations.map((inJs) => [...suite, inJs] as const));
/** One suite of each kind, in both implementations. */
const isShort = ([cipher, mac]: (typeof all)[number]) =>
  mac === "" || (cipher === "aes128-ctr" && mac === CLIENT_ALGORITHMS.hmac[0]);
for (const [cipherName, macName, forceNative] of all)
  describe(
    `${cipherName} ${macName} (JavaScript: ${forceNative})`,
    longIf(!isShort([cipherName, macName, forceNative])),
    () => {
      function suite(isAllowed = () => true) {
        const info = ssh2Crypto.CIPHER_INFO[cipherName];
        const macInfo = ssh2Crypto.MAC_INFO[macName];
        if (info === undefined) throw new Error("no such cipher");
        const key = randomBytes(info.keyLen);
        const iv = randomBytes(info.ivLen);
        const macKey = macInfo === undefined ? undefined : randomBytes(macInfo.len);
        const sent: Buffer[] = [];
        const received: Buffer[] = [];
        const cipher = ssh2Crypto.createCipher({
          outbound: {
            onWrite: (data: Buffer) => sent.push(data),
            seqno: 7,
            cipherInfo: info,
            cipherKey: Buffer.from(key),
            cipherIV: Buffer.from(iv),
            macInfo,
            macKey,
            forceNative,
          },
        });
        const decipher = ssh2Crypto.createDecipher({
          inbound: {
            onPayload: (payload: Buffer) => void received.push(Buffer.from(payload)),
            seqno: 7,
            decipherInfo: info,
            decipherKey: Buffer.from(key),
            decipherIV: Buffer.from(iv),
            macInfo,
            macKey,
            forceNative,
          },
        });
        const tooLarge: number[] = [];
        extend(decipher, isAllowed, (length) => tooLarge.push(length));
        const send = (payload: Buffer) => {
          const packet = cipher.allocPacket(payload.length);
          packet.set(payload, 5);
          cipher.encrypt(packet);
        };
        const receive = (data: Buffer) => {
          // As ssh2's parser does.
          for (let at: unknown = 0; typeof at === "number" && at < data.length; ) {
            at = decipher.decrypt(data, at, data.length);
          }
        };
        return { send, receive, received, tooLarge, taken: () => Buffer.concat(sent.splice(0)) };
      }

      const sizes = [1, 100, 34_000, 40_000, 35_000, 131_072, 5, 250_000, 250_001, 250_017, 0, 1_000_000, 12];

      test.each([1, 3, 1_000, 65_536, Number.POSITIVE_INFINITY])("come in pieces of %s bytes", (piece) => {
        const { send, receive, received, taken } = suite();
        const payloads = sizes
          .filter((size) => piece > 100 || size < 60_000)
          .map((size) => randomBytes(size));
        for (const payload of payloads) send(payload);
        const bytes = taken();
        const step = Math.min(piece, bytes.length);
        // In memory of their own: native ciphers decipher in place.
        for (let at = 0; at < bytes.length; at += step) receive(Buffer.from(bytes.subarray(at, at + step)));
        expect(received.length).toBe(payloads.length);
        expect(received.every((payload, index) => payload.equals(payloads[index] ?? Buffer.alloc(0)))).toBe(
          true,
        );
      });

      test("are refused where they are longer than the limit", () => {
        const { send, receive, received, tooLarge, taken } = suite();
        send(randomBytes(MAX_PACKET_BYTES + 1));
        receive(taken());
        expect(tooLarge).toEqual([expect.any(Number)]);
        expect(received).toEqual([]);
      });

      test("are refused from peers that are not signed in", () => {
        const { send, receive, received, taken } = suite(() => false);
        send(randomBytes(30_000));
        receive(taken());
        expect(received.length).toBe(1);
        send(randomBytes(36_000));
        expect(() => receive(taken())).toThrow(/Bad packet length/);
      });

      test("are refused if a byte was changed in transit", () => {
        const { send, receive, received, taken } = suite();
        send(randomBytes(100_000));
        const bytes = taken();
        bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
        expect(() => receive(bytes)).toThrow();
        expect(received).toEqual([]);
      });
    },
  );
