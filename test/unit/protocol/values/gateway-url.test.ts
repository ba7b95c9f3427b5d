import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../protocol/errors.ts";
import {
  gatewayHost,
  isPlainRemote,
  parseGatewayUrl,
  webSocketUrl,
} from "../../../../protocol/values/gateway-url.ts";

describe("a gateway's URL", () => {
  test.each([
    ["https://gw.example", "https://gw.example"],
    ["https://gw.example/", "https://gw.example"],
    ["HTTPS://GW.example:443/sub//", "https://gw.example/sub"],
    ["gw.example", "https://gw.example"],
    ["gw.example:8443", "https://gw.example:8443"],
    ["wss://gw.example", "https://gw.example"],
    ["ws://127.0.0.1:80", "http://127.0.0.1"],
    ["localhost:7000", "http://localhost:7000"],
    ["http://[::1]:7000", "http://[::1]:7000"],
  ])("%s is %s", (text, url) => {
    expect(parseGatewayUrl(text)).toBe(url);
  });

  test.each([
    "",
    " ",
    "ftp://a",
    "file:///etc/passwd",
    "https://",
    "https://u:p@gw",
    "https://gw?x=1",
    "https://gw#x",
    "javascript://x",
    "https://a b",
    "https://a$(touch x)",
    "https://a;b",
    "https://-a.example",
    "https://a'b",
    "https://[fe80::1%25eth0]",
    "https://gw/$(touch x)",
    "https://gw/a'b",
    "https://gw/a;b&c",
  ])("%j is refused", (text) => {
    expect(() => parseGatewayUrl(text)).toThrow(ProtocolError);
  });

  test("parsed twice is the same", () => {
    const segment = fc.string({ unit: fc.constantFrom(..."aZ09-._~/", "%20", "%C3%A4"), maxLength: 20 });
    const address = fc.tuple(fc.constantFrom("http", "https"), fc.domain(), fc.nat(65_535), segment);
    fc.assert(
      fc.property(address, ([scheme, host, port, path]) => {
        const text = `${scheme}://${host}:${port}/${path}`;
        const url = parseGatewayUrl(text);
        expect(parseGatewayUrl(url)).toBe(url);
      }),
    );
  });

  test("gives the WebSocket address and tells plain http to other machines", () => {
    expect(webSocketUrl(parseGatewayUrl("https://gw.example/sub"), "/tunnel")).toBe(
      "wss://gw.example/sub/tunnel",
    );
    expect(webSocketUrl(parseGatewayUrl("http://localhost:1"), "/link")).toBe("ws://localhost:1/link");
    expect(isPlainRemote(parseGatewayUrl("http://10.0.0.1"))).toBe(true);
    expect(isPlainRemote(parseGatewayUrl("http://127.9.9.9"))).toBe(false);
    expect(isPlainRemote(parseGatewayUrl("http://127.evil.example"))).toBe(true);
    expect(isPlainRemote(parseGatewayUrl("https://10.0.0.1"))).toBe(false);
    expect(gatewayHost(parseGatewayUrl("http://[::1]:7000"))).toBe("::1");
  });
});
