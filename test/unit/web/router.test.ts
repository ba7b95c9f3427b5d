import { describe, expect, test } from "vitest";
import { withBase, withoutBase } from "../../../web/base.ts";
import { isOurs, readAddress } from "../../../web/router.ts";

describe("the path prefix of the public URL", () => {
  test.each([
    ["", "/keys", "/keys"],
    ["/sub", "/sub/keys", "/keys"],
    ["/sub", "/sub", "/"],
    ["/sub", "/sub/", "/"],
    ["/sub", "/subway/keys", undefined],
    ["/sub", "/keys", undefined],
  ])("with %j, %s is %s", (base, path, expected) => {
    expect(withoutBase(path, base)).toBe(expected);
  });

  test("goes before what the page asks for", () => {
    expect(withBase("/api/v1/session", "/sub")).toBe("/sub/api/v1/session");
    expect(withBase("/keys", "")).toBe("/keys");
  });
});

describe("an address", () => {
  test("names a page, what stands in its path, and the query as it is written", () => {
    const here = readAddress("/sub/workspaces/box.ada", "?tab=ssh&x=a%20b", 3, "/sub");
    expect(here).toMatchObject({ page: "workspace", param: "box.ada", search: "tab=ssh&x=a%20b", visit: 3 });
    expect(here.query.get("x")).toBe("a b");
  });

  test.each(["/nothing", "/workspaces/a/b", "/other/keys"])("%s names none", (path) => {
    expect(readAddress(path, "", 1, path.startsWith("/other") ? "/sub" : "").page).toBeUndefined();
  });
});

describe("a click on a link", () => {
  const click = {
    button: 0,
    metaKey: false,
    ctrlKey: false,
    shiftKey: false,
    altKey: false,
    defaultPrevented: false,
  };
  const link = { origin: "https://gw.example", target: "", hash: "", hasAttribute: () => false };
  const page = { origin: "https://gw.example" };

  test("on a page of ours changes the page in place", () => {
    expect(isOurs(click, link, page)).toBe(true);
    expect(isOurs(click, { ...link, target: "_self" }, page)).toBe(true);
  });

  test.each([
    ["with Ctrl", { ...click, ctrlKey: true }, link],
    ["with Shift", { ...click, shiftKey: true }, link],
    ["with Alt", { ...click, altKey: true }, link],
    ["with Command", { ...click, metaKey: true }, link],
    ["with the middle button", { ...click, button: 1 }, link],
    ["that a page has handled", { ...click, defaultPrevented: true }, link],
    ["to a different site", click, { ...link, origin: "https://evil.example" }],
    ["to an editor", click, { ...link, origin: "null" }],
    ["for a new tab", click, { ...link, target: "_blank" }],
    ["within the page", click, { ...link, hash: "#main" }],
    ["to a file", click, { ...link, hasAttribute: (name: string) => name === "download" }],
  ])("%s is left to the browser", (_what, how, where) => {
    expect(isOurs(how, where, page)).toBe(false);
  });
});
