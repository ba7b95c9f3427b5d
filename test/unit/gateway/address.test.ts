import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { clientAddressOf } from "../../../gateway/address.ts";
import { addressBlock } from "../../../protocol/values/address-block.ts";

function request(peer: string, forwarded?: string): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: peer });
  const message = new IncomingMessage(socket);
  if (forwarded !== undefined) message.headers["x-forwarded-for"] = forwarded;
  return message;
}

test.each([
  ["nobody is trusted", [], "127.0.0.1", "192.0.2.1", "127.0.0.1"],
  ["the peer is a stranger", ["10.0.0.0/8"], "192.0.2.9", "192.0.2.1", "192.0.2.9"],
  ["the peer is a proxy", ["loopback"], "127.0.0.1", "192.0.2.1", "192.0.2.1"],
  ["the peer is an IPv4 proxy seen over IPv6", ["loopback"], "::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"],
  [
    "what the client made up is left of its address",
    ["loopback"],
    "::1",
    "203.0.113.7, 192.0.2.1",
    "192.0.2.1",
  ],
  ["a chain of proxies", ["loopback", "10.1.2.3"], "127.0.0.1", "192.0.2.1, 10.1.2.3", "192.0.2.1"],
  ["the header is not an address", ["loopback"], "127.0.0.1", "evil\u0022", "127.0.0.1"],
  ["there is no header", ["loopback"], "127.0.0.1", undefined, "127.0.0.1"],
  ["IPv6 range", ["2001:db8::/32"], "2001:db8::1", "2001:db9::5", "2001:db9::5"],
])("the client's address where %s", (_case, trusted, peer, forwarded, expected) => {
  expect(clientAddressOf(trusted)(request(peer, forwarded))).toBe(expected);
});

test("one customer's IPv6 network counts as one address", () => {
  expect(addressBlock("192.0.2.1")).toBe("192.0.2.1");
  expect(addressBlock("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(addressBlock("2001:db8:1:2::9")).toBe("2001:db8:1:2::/64");
  expect(addressBlock("2001:0db8:0001:0002::")).toBe("2001:db8:1:2::/64");
  expect(addressBlock("::1")).toBe("0:0:0:0::/64");
  expect(addressBlock("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
});
