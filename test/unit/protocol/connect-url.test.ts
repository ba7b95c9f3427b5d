import { expect, test } from "vitest";
import { formatConnectUrl, parseConnectUrl, readConnectUrl } from "../../../protocol/connect-url.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { newOwnerToken } from "../../../protocol/values/token.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const link = {
  gateway: parseGatewayUrl("https://gw.example/sub"),
  workspace: parseWorkspaceRef("dev.ana"),
  hostKey: parsePublicKey(KEY),
};

test("a link that Sallyport writes says the same when it is read, encoded or decoded once by the editor", () => {
  const url = new URL(formatConnectUrl(link, "vscodium"));
  expect(url.protocol).toBe("vscodium:");
  const encoded = parseConnectUrl(url.pathname, url.search.slice(1));
  const decoded = parseConnectUrl(url.pathname, decodeURIComponent(url.search.slice(1)));
  for (const read of [encoded, decoded]) {
    expect(read.gateway).toBe(link.gateway);
    expect(read.workspace).toEqual(link.workspace);
    expect(read.hostKey?.blob).toBe(link.hostKey.blob);
  }
});

test.each([
  ["another path", "/settings", "gateway=https://gw.example&workspace=dev"],
  ["no gateway", "/connect", "workspace=dev"],
  ["no workspace", "/connect", "gateway=https://gw.example"],
  ["two gateways", "/connect", "gateway=https://gw.example&gateway=https://evil.example&workspace=dev"],
  ["something unknown", "/connect", "gateway=https://gw.example&workspace=dev&folder=/etc"],
  ["a gateway with credentials", "/connect", "gateway=https://me:pw@gw.example&workspace=dev"],
  ["a gateway that is a script", "/connect", "gateway=javascript:alert(1)&workspace=dev"],
  ["a gateway that is a file", "/connect", "gateway=file:///etc/passwd&workspace=dev"],
  ["a workspace that is a command", "/connect", "gateway=https://gw.example&workspace=dev;rm+-rf"],
  [
    "a workspace that is an option of ssh",
    "/connect",
    "gateway=https://gw.example&workspace=-oProxyCommand=x",
  ],
  ["a workspace with a line break", "/connect", "gateway=https://gw.example&workspace=dev%0aHost"],
  ["a host key with options", "/connect", `gateway=https://gw.example&workspace=dev&hostKey=no-pty ${KEY}`],
  [
    "a host key's fingerprint alone",
    "/connect",
    "gateway=https://gw.example&workspace=dev&hostKey=SHA256:abc",
  ],
  ["half a host key", "/connect", `gateway=https://gw.example&workspace=dev&hostKey=${KEY.slice(0, 50)}`],
  ["two host keys", "/connect", `gateway=https://gw.example&workspace=dev&hostKey=${KEY}&hostKey=${KEY}`],
  ["a host key of two lines", "/connect", `gateway=https://gw.example&workspace=dev&hostKey=${KEY}%0a${KEY}`],
  ["a token", "/connect", `gateway=https://gw.example&workspace=dev&hostKey=${KEY} ${newOwnerToken()}`],
  ["too much", "/connect", `gateway=https://gw.example&workspace=dev&hostKey=${"x".repeat(9_000)}`],
])("a link with %s is refused", (_, path, query) => {
  expect(() => parseConnectUrl(path, query)).toThrow(/./);
});

test("a whole link is read for any editor, but not if it is for a different extension", () => {
  expect(readConnectUrl(formatConnectUrl(link, "cursor"))).toMatchObject({
    gateway: link.gateway,
    hostKey: { fingerprint: link.hostKey.fingerprint },
  });
  const foreign = formatConnectUrl(link).replace("sallyport.sallyport", "evil.sallyport");
  for (const text of [foreign, "", "https://gw.example/connect?x", `${formatConnectUrl(link)}#x`]) {
    expect(() => readConnectUrl(text)).toThrow(expect.objectContaining({ code: "bad_url" }));
  }
});
