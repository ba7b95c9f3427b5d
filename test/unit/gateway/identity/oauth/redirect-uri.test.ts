// Where an authorization's answer may go: the few forms of the clients' own addresses, and nothing that looks like one.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redirectTarget, withAnswer } from "../../../../../gateway/identity/oauth/redirect-uri.ts";
import { EDITOR_SCHEMES, OAUTH_CLIENTS } from "../../../../../protocol/sign-in/oauth.ts";

const LOOPBACK = "http://127.0.0.1:54321/signed-in";
const EDITOR = "vscode://sallyport.sallyport/signed-in";
const INSTEAD_OF_THE_WINDOW = ["=", "=-1", "=a", "=1&a=b", "=12345678901", "=1#", "%3D1", "=1?", "=_blank"];

describe("a loopback address", () => {
  test.each([
    ["http://127.0.0.1:1/signed-in", "127.0.0.1"],
    ["http://127.0.0.1:65535/signed-in", "127.0.0.1"],
    ["http://[::1]:8080/signed-in", "[::1]"],
  ])("%s is one, with any port", (uri, shown) => {
    for (const client of OAUTH_CLIENTS) expect(redirectTarget(client, uri)).toBe(shown);
  });

  test.each([
    // Another host, as one parser or the other may read it.
    "http://localhost:54321/signed-in",
    "http://LOCALHOST:54321/signed-in",
    "http://127.0.0.1.evil.example:54321/signed-in",
    "http://127.0.0.1:54321@evil.example/signed-in",
    "http://evil@127.0.0.1:54321/signed-in",
    "http://evil:x@127.0.0.1:54321/signed-in",
    "http://127.0.0.1:54321\\@evil.example/signed-in",
    "http://127.1:54321/signed-in",
    "http://127.0.0.2:54321/signed-in",
    "http://0.0.0.0:54321/signed-in",
    "http://0x7f.0.0.1:54321/signed-in",
    "http://2130706433:54321/signed-in",
    "http://127.0.0.1.:54321/signed-in",
    "http://１２７.0.0.1:54321/signed-in",
    "http://127。0.0.1:54321/signed-in",
    "http://[::ffff:127.0.0.1]:54321/signed-in",
    "http://[0:0:0:0:0:0:0:1]:54321/signed-in",
    "http://[::1%25eth0]:54321/signed-in",
    "http://::1:54321/signed-in",
    // A different port than it seems, or none.
    "http://127.0.0.1/signed-in",
    "http://127.0.0.1:/signed-in",
    "http://127.0.0.1:0/signed-in",
    "http://127.0.0.1:080/signed-in",
    "http://127.0.0.1:65536/signed-in",
    "http://127.0.0.1:+80/signed-in",
    "http://127.0.0.1:8e3/signed-in",
    // A different path.
    "http://127.0.0.1:54321",
    "http://127.0.0.1:54321/",
    "http://127.0.0.1:54321/signed-in/",
    "http://127.0.0.1:54321/signed-in/..",
    "http://127.0.0.1:54321/x/../signed-in",
    "http://127.0.0.1:54321//signed-in",
    "http://127.0.0.1:54321/./signed-in",
    "http://127.0.0.1:54321/Signed-In",
    "http://127.0.0.1:54321/signed%2din",
    "http://127.0.0.1:54321/signed-in%00",
    "http://127.0.0.1:54321/signed-in;x",
    "http://127.0.0.1:54321\\signed-in",
    // More than a path, and what URL parsers drop.
    "http://127.0.0.1:54321/signed-in?",
    "http://127.0.0.1:54321/signed-in?next=x",
    "http://127.0.0.1:54321/signed-in?windowId=1",
    "http://127.0.0.1:54321/signed-in#",
    "http://127.0.0.1:54321/signed-in#x",
    "http://127.0.0.1:54321/signed-in\n",
    "http://127.0.0.1:54321/sign\ted-in",
    " http://127.0.0.1:54321/signed-in",
    "http://127.0.0.1:54321/signed-in ",
    "http://127.0.0.1:54321/signed\u200b-in",
    // A different scheme.
    "HTTP://127.0.0.1:54321/signed-in",
    "https://127.0.0.1:54321/signed-in",
    "http:127.0.0.1:54321/signed-in",
    "http:/127.0.0.1:54321/signed-in",
    "//127.0.0.1:54321/signed-in",
    "javascript://127.0.0.1:54321/signed-in",
    "",
  ])("%j is none", (uri) => {
    for (const client of OAUTH_CLIENTS) expect(redirectTarget(client, uri)).toBeUndefined();
  });
});

describe("an editor's address", () => {
  test.each(EDITOR_SCHEMES)("of %s is the extension's, with a window or without", (scheme) => {
    const uri = `${scheme}://sallyport.sallyport/signed-in`;
    expect(redirectTarget("sallyport-vscode", uri)).toBe(scheme);
    expect(redirectTarget("sallyport-vscode", `${uri}?windowId=12`)).toBe(scheme);
    expect(redirectTarget("sallyport-cli", uri)).toBeUndefined();
  });

  test.each([
    "vscode://sallyport.sallyport/signed-in/",
    "vscode://sallyport.sallyport/signed-in/..",
    "vscode://sallyport.sallyport/connect",
    "vscode://sallyport-sallyport/signed-in",
    "vscode://sallyportxsallyport/signed-in",
    "vscode://evil.sallyport/signed-in",
    "vscode://Sallyport.sallyport/signed-in",
    "VSCODE://sallyport.sallyport/signed-in",
    "vscode://x@sallyport.sallyport/signed-in",
    "vscode://sallyport.sallyport:1/signed-in",
    "vscode:sallyport.sallyport/signed-in",
    "vscode:/sallyport.sallyport/signed-in",
    "evil://sallyport.sallyport/signed-in",
    "vscode-evil://sallyport.sallyport/signed-in",
    "https://sallyport.sallyport/signed-in",
    "vscode://sallyport.sallyport/signed-in?",
    "vscode://sallyport.sallyport/signed-in?windowid=1",
    "vscode://sallyport.sallyport/signed-in?x=1",
    "vscode://sallyport.sallyport/signed-in#windowId=1",
    ...INSTEAD_OF_THE_WINDOW.map((end) => `vscode://sallyport.sallyport/signed-in?windowId${end}`),
  ])("is not %j", (uri) => {
    expect(redirectTarget("sallyport-vscode", uri)).toBeUndefined();
  });
});

const place = fc.oneof(
  fc.constantFrom("/", "\\", "@", ":", "#", "?", "%2f", "%", ".", "\t", "\n", "\0", " "),
  fc.string(),
);
/** A good address with a few characters changed. */
const nearlyGood = fc
  .tuple(
    fc.constantFrom<string>(LOOPBACK, "http://[::1]:9/signed-in", EDITOR, `${EDITOR}?windowId=3`),
    fc.array(fc.tuple(fc.nat(60), fc.nat(3), place), { maxLength: 3 }),
  )
  .map(([uri, edits]) =>
    edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), uri),
  );

test("Whatever is taken reads the same to a URL parser", () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.constantFrom(...OAUTH_CLIENTS), nearlyGood, (client, uri) => {
      const shown = redirectTarget(client, uri);
      if (shown === undefined) return;
      taken++;
      const url = new URL(uri);
      expect(url.href).toBe(uri);
      expect([url.username, url.password, url.hash]).toEqual(["", "", ""]);
      expect(url.pathname).toBe("/signed-in");
      if (url.protocol === "http:") expect([url.hostname, url.search]).toEqual([shown, ""]);
      else {
        expect([client, url.protocol, url.host]).toEqual([
          "sallyport-vscode",
          `${shown}:`,
          "sallyport.sallyport",
        ]);
        expect(url.search).toMatch(/^(\?windowId=\d+)?$/);
      }
    }),
    { numRuns: 5_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

test("The answer is added to the query and nothing else changes", () => {
  const value = fc.string({ unit: "binary", maxLength: 200 }).map((text) => text.toWellFormed());
  fc.assert(
    fc.property(fc.constantFrom(LOOPBACK, EDITOR, `${EDITOR}?windowId=3`), value, (uri, state) => {
      const before = new URL(uri);
      const after = new URL(
        withAnswer(uri, { code: "spc_x", state, left: undefined, iss: "https://a.example" }),
      );
      expect(after.href.startsWith(uri)).toBe(true);
      expect([after.host, after.pathname, after.hash]).toEqual([before.host, before.pathname, ""]);
      expect([...after.searchParams].slice(before.searchParams.size)).toEqual([
        ["code", "spc_x"],
        ["state", state],
        ["iss", "https://a.example"],
      ]);
    }),
  );
});
