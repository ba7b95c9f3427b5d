import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseProxyHeader } from "../../../../../gateway/ssh/entrance/proxy-protocol.ts";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

function v2(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([0x20 | command, family, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([SIGNATURE, head, body]);
}

describe("version 1", () => {
  test.each([
    ["PROXY TCP4 192.0.2.1 192.0.2.2 1234 22\r\n", "192.0.2.1"],
    ["PROXY TCP6 2001:db8::1 ::1 65535 0\r\n", "2001:db8::1"],
    ["PROXY UNKNOWN\r\n", null],
    ["PROXY UNKNOWN whatever else it says\r\n", null],
  ])("%j", (line, address) => {
    const rest = Buffer.from("SSH-2.0-client\r\n");
    const header = parseProxyHeader(Buffer.concat([Buffer.from(line), rest]));
    expect(header).toEqual({ kind: "header", address, length: line.length });
  });

  test.each([
    "PROXY TCP4 2001:db8::1 192.0.2.2 1234 22\r\n",
    "PROXY TCP6 192.0.2.1 192.0.2.2 1234 22\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 1 22\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1234 65536\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 01 22\r\n",
    "PROXY TCP4  192.0.2.1 192.0.2.2 1234 22\r\n",
    "PROXY UDP4 192.0.2.1 192.0.2.2 1234 22\r\n",
    "PROXY  TCP4 192.0.2.1 192.0.2.2 1234 22\r\n",
    "proxy TCP4 192.0.2.1 192.0.2.2 1234 22\r\n",
    "SSH-2.0-client\r\n",
    `PROXY UNKNOWN ${"x".repeat(100)}\r\n`,
  ])("%j is refused", (line) => {
    expect(parseProxyHeader(Buffer.from(line)).kind).toBe("invalid");
  });
});

describe("version 2", () => {
  const ports = Buffer.from([4, 210, 0, 22]);
  const ipv4 = Buffer.concat([Buffer.from([192, 0, 2, 1, 192, 0, 2, 2]), ports]);
  const ipv6 = Buffer.concat([Buffer.from("20010db8000000000000000000000001".repeat(2), "hex"), ports]);
  const mapped = Buffer.concat([Buffer.from("00000000000000000000ffffc0000209".repeat(2), "hex"), ports]);

  test.each([
    ["TCP over IPv4", v2(1, 0x11, ipv4), "192.0.2.1"],
    ["TCP over IPv6", v2(1, 0x21, ipv6), "2001:db8:0:0:0:0:0:1"],
    ["an IPv4 address in IPv6 form", v2(1, 0x21, mapped), "192.0.2.9"],
    ["extensions behind the addresses", v2(1, 0x11, Buffer.concat([ipv4, Buffer.alloc(100)])), "192.0.2.1"],
    ["a health check", v2(0, 0x00, Buffer.alloc(0)), null],
    ["a health check with an address", v2(0, 0x11, ipv4), null],
    ["no address", v2(1, 0x00, Buffer.alloc(0)), null],
  ])("%s", (_, bytes, address) => {
    const header = parseProxyHeader(Buffer.concat([bytes, Buffer.from("SSH-2.0-")]));
    expect(header).toEqual({ kind: "header", address, length: bytes.length });
  });

  test.each([
    ["a different version", Buffer.concat([SIGNATURE, Buffer.from([0x11, 0x11, 0, 12]), ipv4])],
    ["an unknown command", v2(2, 0x11, ipv4)],
    ["addresses that are cut off", v2(1, 0x11, ipv4.subarray(0, 8))],
    ["a Unix socket", v2(1, 0x31, Buffer.alloc(216))],
    ["UDP", v2(1, 0x12, ipv4)],
    ["more than 536 bytes", v2(1, 0x11, Buffer.concat([ipv4, Buffer.alloc(509)]))],
  ])("with %s is refused", (_, bytes) => {
    expect(parseProxyHeader(bytes).kind).toBe("invalid");
  });
});

test("for any bytes, however they are cut into pieces, the answer is the same and comes within the limits", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 700 }),
    fc.string({ maxLength: 200 }).map((text) => Buffer.from(`PROXY ${text}\r\n`)),
    fc
      .tuple(fc.nat(255), fc.nat(255), fc.uint8Array({ maxLength: 600 }))
      .map(([command, family, body]) => v2(command & 15, family, Buffer.from(body))),
  );
  fc.assert(
    fc.property(anything, (input) => {
      const bytes = Buffer.from(input);
      const whole = parseProxyHeader(bytes);
      for (let length = 0; length <= bytes.length; length++) {
        const part = parseProxyHeader(bytes.subarray(0, length));
        // An answer for a part stays the same for the whole. Without one, more bytes than the longest header
        // must not be needed.
        if (part.kind !== "incomplete") expect(whole).toEqual(part);
        else if (length >= 536) throw new Error("undecided beyond the longest header");
      }
      if (whole.kind === "header") expect(whole.length).toBeLessThanOrEqual(Math.min(bytes.length, 536));
    }),
    { numRuns: 300 },
  );
});
