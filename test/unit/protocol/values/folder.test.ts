import { expect, test } from "vitest";
import { MAX_FOLDER, parseFolder } from "../../../../protocol/values/folder.ts";

test.each(["/", "/home/me/my project", "/srv/größe", "C:\\Users\\me", "d:/work"])(
  "%s is an absolute path",
  (path) => {
    expect(parseFolder(path)).toBe(path);
  },
);

test.each([
  ["nothing", ""],
  ["a relative path", "project"],
  ["a path from the home directory", "~/project"],
  ["a drive without a root", "C:project"],
  ["a URL", "https://dev.example/"],
  ["a line break", "/home/me\nHost *"],
  ["a zero byte", "/home/me\0"],
  ["an escape sequence", "/home/\u001b[31mme"],
  ["a line separator", "/home/\u2028me"],
  ["no text", ["/"]],
  ["too much", "/".padEnd(MAX_FOLDER + 1, "x")],
])("%s is refused", (_, value) => {
  expect(() => parseFolder(value)).toThrow(expect.objectContaining({ code: "bad_request", field: "folder" }));
});
