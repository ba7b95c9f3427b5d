import { expect, test } from "vitest";
import {
  parseGateways,
  type SignedIn,
  withGateway,
  withoutGateway,
} from "../../../../../agent/platform/credentials/gateways.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../../../protocol/values/name.ts";

function entry(url: string): SignedIn {
  return {
    url: parseGatewayUrl(url),
    account: parseName("ada"),
    tokenIn: "file",
    allowPlainHttp: false,
    signedInAt: "2030-01-01T00:00:00.000Z",
  };
}
const none = { default: undefined, signedIn: [] };
const a = entry("https://a.example");
const b = entry("https://b.example");

test("the first gateway becomes the default, and stays it", () => {
  expect(withGateway(withGateway(none, a), b)).toEqual({ default: a.url, signedIn: [a, b] });
});

test("signing in again replaces what was known", () => {
  const again = { ...a, tokenIn: "keychain" as const };
  expect(withGateway(withGateway(none, a), again).signedIn).toEqual([again]);
});

test("when the default goes, the only one left takes its place; of two, none does", () => {
  const c = entry("https://c.example");
  expect(withoutGateway({ default: a.url, signedIn: [a, b] }, a.url).default).toBe(b.url);
  expect(withoutGateway({ default: a.url, signedIn: [a, b, c] }, a.url).default).toBeUndefined();
  expect(withoutGateway({ default: a.url, signedIn: [a, b] }, b.url).default).toBe(a.url);
});

test.each([
  null,
  [],
  { version: 2, default: null, gateways: [] },
  { version: 1, default: null, gateways: {} },
  { version: 1, default: "ftp://x", gateways: [] },
  { version: 1, default: null, gateways: [{ ...a, account: "../x" }] },
  { version: 1, default: null, gateways: [{ ...a, url: "https://u:p@a.example" }] },
  { version: 1, default: null, gateways: [{ ...a, tokenIn: "clipboard" }] },
  { version: 1, default: null, gateways: [{ ...a, allowPlainHttp: "yes" }] },
  { version: 1, default: null, gateways: [{ ...a, signedInAt: "yesterday" }] },
  { version: 1, default: null, gateways: Array.from({ length: 201 }, () => a) },
])("what Sallyport did not write is refused (%#)", (value) => {
  expect(() => parseGateways(value)).toThrow();
});
