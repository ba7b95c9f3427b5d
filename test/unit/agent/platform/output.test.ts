import { expect, test } from "vitest";
import { table } from "../../../../agent/platform/output.ts";

const rows = [
  ["web", "online", "a title that is rather long for a terminal"],
  ["database", "offline", "short"],
];

test("columns line up, and lines do not end in blanks", () => {
  const text = table(["NAME", "STATE", "TITLE"], rows, undefined);
  expect(text).toBe(
    "NAME      STATE    TITLE\n" +
      "web       online   a title that is rather long for a terminal\n" +
      "database  offline  short\n",
  );
});

test("a narrow terminal shortens the widest cells and never the first column", () => {
  const lines = table(["NAME", "STATE", "TITLE"], rows, 40).trimEnd().split("\n");
  expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(40);
  expect(lines[1]).toMatch(/^web {7}online {3}a title.*…$/);
});

test("a terminal that is too narrow for anything still gets every row", () => {
  expect(table(["NAME", "STATE", "TITLE"], rows, 5).trimEnd().split("\n")).toHaveLength(3);
});

test("control sequences in a title do not reach the terminal", () => {
  const text = table(["TITLE"], [["\u001b]0;owned\u0007x\ny\u202e"]], undefined);
  expect(text).toBe("TITLE\n�]0;owned�x�y�\n");
});
