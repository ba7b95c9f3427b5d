import { describe, expect, test } from "vitest";
import { foreignAnswer } from "../../../../../agent/platform/network/foreign-answer.ts";
import { topIssuer } from "../../../../../agent/platform/network/presented-chain.ts";
import { parseEditorNetwork } from "../../../../../agent/platform/network/proxy/editor-network.ts";
import { connectRequest, parseHead } from "../../../../../agent/platform/network/proxy/http-connect.ts";
import { parseProxyAddress } from "../../../../../agent/platform/network/proxy/proxy-address.ts";
import { redactSecrets } from "../../../../../protocol/values/token.ts";

const answer = (status: number, location?: string, contentType?: string) => ({
  status,
  location,
  contentType,
});

describe("a sign-in page of the network", () => {
  test.each([
    [
      "http://gw.example",
      answer(302, "http://portal.example/in?x=1"),
      "open http://portal.example/in?x=1 in",
    ],
    [
      "ws://gw.example/tunnel",
      answer(200, undefined, "text/html; charset=utf-8"),
      "open http://gw.example/ in",
    ],
    ["https://gw.example", answer(511), "open http://gw.example/ in"],
    [
      "http://gw.example",
      answer(302, "javascript://portal.example/%0aalert(1)"),
      "open http://gw.example/ in",
    ],
  ])("is known at %s by %j", (url, given, words) => {
    const failure = foreignAnswer(given, new URL(url));
    expect(failure).toMatchObject({ stage: "http", code: "captive_portal" });
    expect(failure?.message).toContain(words);
  });

  test.each([
    ["https://gw.example", answer(302, "https://elsewhere.example/")],
    ["https://gw.example", answer(200, undefined, "text/html")],
    ["http://gw.example", answer(301, "https://gw.example/")],
    ["http://gw.example", answer(404, undefined, "application/json")],
    ["http://127.0.0.1:8080", answer(200, undefined, "text/html")],
    ["http://[::1]:8080", answer(302, "http://elsewhere.example/")],
  ])("is not what %s answers by %j", (url, given) => {
    expect(foreignAnswer(given, new URL(url))).toBeUndefined();
  });
});

test("a proxy is asked with the credentials that are its own", () => {
  const proxy = parseProxyAddress("http://ada:p%C3%A4ss@p", "test");
  expect(connectRequest(proxy, "2001:db8::1", 443)).toMatch(
    /^CONNECT \[2001:db8::1\]:443 HTTP\/1\.1\r\nHost: \[2001:db8::1\]:443\r\n(?:.*\r\n)*Proxy-Authorization: Basic YWRhOnDDpHNz\r\n\r\n$/,
  );
  expect(parseHead("HTTP/1.0 200\r\nA: 1\r\na: 2\r\nbroken")).toMatchObject({ status: 200 });
  expect(parseHead("HTTP/2 200")).toBeUndefined();
});

test("the issuer of the last certificate that was shown is told", () => {
  const root = { issuer: { CN: "Root", O: "Corp" }, issuerCertificate: undefined as unknown };
  root.issuerCertificate = root;
  expect(topIssuer(Object({ issuer: { CN: "Middle" }, issuerCertificate: root }))).toBe("Root, Corp");
  expect(topIssuer(Object({ issuer: { O: "Only" } }))).toBe("Only");
  expect(topIssuer(Object({}))).toBeUndefined();
});

test("a proxy's credentials do not get into a log, and other texts stay as they are", () => {
  expect(redactSecrets("by http://ada:p@ss@proxy:1/ and SOCKS5h://x:y@z")).toBe(
    "by http://…@proxy:1/ and SOCKS5h://…@z",
  );
  const kept = "https://gw.example/a@b, ssh://ada@gw, mail ada@gw.example";
  expect(redactSecrets(kept)).toBe(kept);
});

test("a file of handed-down settings that is damaged counts as none, and what is of another type as not set", () => {
  for (const text of ["", "{", "[]", "null", '{"version":2}'])
    expect(parseEditorNetwork(text)).toBeUndefined();
  const odd = {
    version: 1,
    proxy: 5,
    noProxy: ["a", 1, "", "b "],
    off: "yes",
    authorization: "x".repeat(10_000),
  };
  expect(parseEditorNetwork(JSON.stringify(odd))).toEqual({
    proxy: "",
    noProxy: ["a", "b"],
    off: false,
    authorization: "",
  });
});
