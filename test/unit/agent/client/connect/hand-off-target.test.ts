import { expect, test } from "vitest";
import {
  aliasOfAuthority,
  folderToOpen,
  remoteAuthority,
  remoteFolder,
  suitableFlavour,
  withRecentFolder,
} from "../../../../../agent/client/connect/hand-off-target.ts";

test.each([
  ["Visual Studio Code - Insiders", "ms-vscode-remote.remote-ssh"],
  ["Cursor", "anysphere.remote-ssh"],
  ["Windsurf", "codeium.windsurf-remote-openssh"],
  ["Antigravity", "google.antigravity-remote-openssh"],
  ["VSCodium", "jeanp413.open-remote-ssh"],
  ["code-server", "jeanp413.open-remote-ssh"],
])("%s is offered %s", (app, flavour) => {
  expect(suitableFlavour(app)).toBe(flavour);
});

test("an alias comes back from its authority; other remotes and encoded destinations are nobody's", () => {
  expect(aliasOfAuthority(remoteAuthority("dev.gw.example-8443"))).toBe("dev.gw.example-8443");
  for (const other of [
    "wsl+Ubuntu",
    "ssh-remote+",
    "ssh-remote+me@host",
    "ssh-remote+7b2268",
    "dev-container+x",
  ]) {
    expect(aliasOfAuthority(other)).toBe(other === "ssh-remote+7b2268" ? "7b2268" : undefined);
  }
});

test.each([
  ["/home/me/project", "/home/me/project"],
  [" /srv ", "/srv"],
  ["C:\\work", "/C:/work"],
  ["", undefined],
  ["project", undefined],
  ["~/project", undefined],
  ["/a\nb", undefined],
])("%j as a folder over there is %j", (text, folder) => {
  expect(remoteFolder(text)).toBe(folder);
});

test("the folder is what the person says, else the first that there is, and what a host names is looked at again", () => {
  expect(folderToOpen(undefined, ["/recent", "/own", "/default"])).toBe("/recent");
  expect(folderToOpen(undefined, [undefined, "/own", "/default"])).toBe("/own");
  expect(folderToOpen(undefined, [undefined, "/own\nx", "/default"])).toBe("/default");
  expect(folderToOpen(undefined, [undefined, undefined, ""])).toBeUndefined();
  expect(folderToOpen("/said", ["/recent"])).toBe("/said");
  expect(folderToOpen("", ["/recent", "/own"])).toBeUndefined();
});

test("recent folders are kept newest first, each once, ten at most", () => {
  const many = Array.from({ length: 12 }, (_, index) => `/${index}`);
  expect(withRecentFolder(["/a", "/b"], "/b")).toEqual(["/b", "/a"]);
  expect(withRecentFolder(many, "/new")).toHaveLength(10);
});
