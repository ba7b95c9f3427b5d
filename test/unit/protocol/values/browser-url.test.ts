import fc from "fast-check";
import { expect, test } from "vitest";
import {
  browserOrigin,
  browserUrlOf,
  MAX_BROWSER_URL,
  parseBrowserUrl,
} from "../../../../protocol/values/browser-url.ts";
import { newOwnerToken } from "../../../../protocol/values/token.ts";

test("an http or https URL with a port, a path, a query and a fragment is one, in its standard form", () => {
  expect(parseBrowserUrl("https://dev.example:8443/app/?a=b#top")).toBe(
    "https://dev.example:8443/app/?a=b#top",
  );
  expect(parseBrowserUrl("HTTP://DEV.example")).toBe("http://dev.example/");
  // A name that looks like another one is shown as what it is.
  expect(parseBrowserUrl("https://ex\u0430mple.com/")).toBe("https://xn--exmple-4nf.com/");
});

test.each([
  ["a script", "javascript:alert(1)"],
  ["a file", "file:///etc/passwd"],
  ["a command of the editor", "command:workbench.action.quit"],
  ["an editor's link", "vscode://sallyport.sallyport/connect"],
  ["data", "data:text/html,<script>"],
  ["a scheme alone", "https:dev.example"],
  ["no host", "https://"],
  ["a user name", "https://me@dev.example/"],
  ["a password", "https://:secret@dev.example/"],
  ["a name that stands before the real one", "https://bank.example@evil.example/"],
  ["a backslash", "https://dev.example\\@evil.example/"],
  ["a line break in its scheme", "java\nscript:alert(1)"],
  ["a tab", "https://dev.example/\t"],
  ["a blank before it", " https://dev.example/"],
  ["a direction mark", "https://dev.example/\u202egpj.exe"],
  ["a token", `https://dev.example/?token=${newOwnerToken()}`],
  ["no text", 7],
  ["nothing", ""],
])("%s is none", (_, value) => {
  expect(() => parseBrowserUrl(value)).toThrow(
    expect.objectContaining({ code: "bad_url", field: "browserUrl" }),
  );
  expect(browserUrlOf(value)).toBeUndefined();
});

test("its length is bounded as it is given and as it is kept", () => {
  const start = "https://dev.example/";
  expect(parseBrowserUrl(start.padEnd(MAX_BROWSER_URL, "x"))).toHaveLength(MAX_BROWSER_URL);
  expect(() => parseBrowserUrl(start.padEnd(MAX_BROWSER_URL + 1, "x"))).toThrow(/at most/);
  expect(() => parseBrowserUrl(start.padEnd(MAX_BROWSER_URL, "ä"))).toThrow(/at most/);
});

test("what has been taken is taken again as it is, and its origin is one of http or https", () => {
  fc.assert(
    fc.property(
      fc.webUrl({ validSchemes: ["http", "https"], withQueryParameters: true, withFragments: true }),
      (text) => {
        const url = browserUrlOf(text);
        if (url === undefined) return;
        expect(parseBrowserUrl(url)).toBe(url);
        expect(url.startsWith(`${browserOrigin(url)}/`)).toBe(true);
        expect(browserOrigin(url)).toMatch(/^https?:\/\//);
      },
    ),
  );
});
