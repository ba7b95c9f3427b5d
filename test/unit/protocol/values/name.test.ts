import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newWorkspaceId, parseWorkspaceId } from "../../../../protocol/values/id.ts";
import {
  formatWorkspaceRef,
  isName,
  nearestName,
  parseName,
  parseWorkspaceRef,
} from "../../../../protocol/values/name.ts";

describe("a name", () => {
  test("is a-z, 0-9 and inner hyphens, 1 to 40 characters", () => {
    for (const good of ["a", "0", "dev", "dev-box-2", "a".repeat(40)]) expect(parseName(good)).toBe(good);
    const bad = [
      "",
      "-a",
      "a-",
      "A",
      "a_b",
      "a.b",
      "a b",
      "a\n",
      "é",
      "a".repeat(41),
      "$(id)",
      "../a",
      null,
      7,
      ["a"],
    ];
    for (const name of bad) expect(() => parseName(name), String(name)).toThrow(/name/);
  });

  test("holds nothing that a shell, a path, a URL or an SSH config reads otherwise", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 50 }), (text) => {
        if (isName(text)) expect(text).toMatch(/^[a-z0-9-]+$/);
      }),
    );
  });

  test("is made of any machine's host name", () => {
    expect(nearestName("My-Laptop.local", "x")).toBe("my-laptop");
    expect(nearestName("日本", "workspace")).toBe("workspace");
    fc.assert(fc.property(fc.string(), (text) => isName(nearestName(text, "workspace"))));
  });
});

describe("a workspace reference", () => {
  test("is a name, name.owner or an id, and formats back to what it was", () => {
    for (const text of ["dev", "dev.ann", newWorkspaceId()]) {
      expect(formatWorkspaceRef(parseWorkspaceRef(text))).toBe(text);
    }
  });

  test("is refused where it is anything else", () => {
    for (const bad of [
      "",
      ".",
      "a.",
      ".a",
      "a.b.c",
      "ws_short",
      `ws_${"A".repeat(26)}`,
      "a/b",
      "a\n",
      1,
      null,
    ]) {
      expect(() => parseWorkspaceRef(bad), String(bad)).toThrow();
    }
  });
});

describe("an id", () => {
  test("is never accepted with anything around it", () => {
    const id = newWorkspaceId();
    expect(parseWorkspaceId(id)).toBe(id);
    for (const bad of [`${id}\n`, ` ${id}`, `${id}a`, id.toUpperCase(), id.replace("ws_", "acc_")]) {
      expect(() => parseWorkspaceId(bad)).toThrow();
    }
  });
});
