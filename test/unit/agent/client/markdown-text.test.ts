import { expect, test } from "vitest";
import { markdownText } from "../../../../agent/client/markdown-text.ts";

test.each([
  ["a link", "[x](http://evil)", "\\[x\\](http://evil)"],
  ["a picture", "![x](http://evil/p.png)", "!\\[x\\](http://evil/p.png)"],
  ["HTML", "<img src=http://evil>", "\\<img src=http://evil\\>"],
  ["HTML behind a backslash of its own", "\\<img\\>", "\\\\\\<img\\\\\\>"],
  ["another cell", "a|b", "a\\|b"],
  ["an entity", "&lt;", "\\&lt;"],
  ["a formula", "$x$", "\\$x\\$"],
  ["a line of its own", "a\n# b", "a\ufffd# b"],
  ["a plain sentence, as it is", "It said `no`: host_key (1).", "It said `no`: host_key (1)."],
])("what would be %s stays text", (_, text, expected) => {
  expect(markdownText(text)).toBe(expected);
});
