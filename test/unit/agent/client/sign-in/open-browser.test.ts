// Where a browser would open, and what starts it.

import { expect, test } from "vitest";
import { browserCommand, hasBrowser } from "../../../../../agent/client/sign-in/open-browser.ts";

const URL_WITH_ALL = "https://gw.example/oauth/authorize?a=1&b=%22;calc|$(x)`y`^%PATH%";

test.each<[string, NodeJS.Platform, Record<string, string>, boolean]>([
  ["a desktop with X", "linux", { DISPLAY: ":0" }, true],
  ["a desktop with Wayland", "linux", { WAYLAND_DISPLAY: "wayland-0" }, true],
  ["a server", "linux", {}, false],
  ["a desktop over SSH with X forwarded", "linux", { DISPLAY: "x:10", SSH_CONNECTION: "a 1 b 22" }, false],
  ["a Mac", "darwin", {}, true],
  ["a Mac over SSH", "darwin", { SSH_CONNECTION: "a 1 b 22" }, false],
  ["Windows", "win32", {}, true],
  ["Windows over SSH", "win32", { SSH_CLIENT: "a 1 22" }, false],
  ["a server where the person named a browser", "linux", { BROWSER: "lynx" }, true],
  [
    "a server over SSH, where the editor named one",
    "linux",
    { BROWSER: "x", SSH_CONNECTION: "a 1 b 22" },
    false,
  ],
  ["empty variables", "linux", { DISPLAY: "", BROWSER: "" }, false],
])("%s", (_what, platform, env, expected) => {
  expect(hasBrowser({ platform, env })).toBe(expected);
});

test("the URL is one argument of a program, whatever is in it, and no shell reads it", () => {
  expect(browserCommand(URL_WITH_ALL, { platform: "linux", env: {} })).toEqual(["xdg-open", URL_WITH_ALL]);
  expect(browserCommand(URL_WITH_ALL, { platform: "darwin", env: {} })).toEqual(["open", URL_WITH_ALL]);
  expect(browserCommand(URL_WITH_ALL, { platform: "win32", env: {} })).toEqual([
    "rundll32",
    "url.dll,FileProtocolHandler",
    URL_WITH_ALL,
  ]);
});

test("BROWSER names the program, its arguments and where the URL goes", () => {
  const command = (BROWSER: string, platform: NodeJS.Platform = "linux") =>
    browserCommand("https://x.example/", { platform, env: { BROWSER } });
  expect(command("firefox")).toEqual(["firefox", "https://x.example/"]);
  expect(command("firefox --new-window")).toEqual(["firefox", "--new-window", "https://x.example/"]);
  expect(command("w3m -o x=%s -B")).toEqual(["w3m", "-o", "x=https://x.example/", "-B"]);
  expect(command("first:second")).toEqual(["first", "https://x.example/"]);
  expect(command("C:\\Browser.exe", "win32")).toEqual(["C:\\Browser.exe", "https://x.example/"]);
});
