// The documents keep to their width, and every path and link in them leads somewhere.

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const DOCUMENTS = globSync(["*.md", "docs/*.md", "extension/*.md"], { cwd: ROOT }).toSorted();
const MAX_COLUMNS = 120;
/** Rooms that docs/architecture.md names before they are built. */
const PLANNED = new Set(["agent/host/terminal/", "agent/host/apps/", "gateway/identity/", "gateway/apps/"]);

test("there are documents to check", () => {
  expect(DOCUMENTS).toEqual(expect.arrayContaining(["README.md", "docs/architecture.md"]));
});

describe.each(DOCUMENTS)("%s", (document) => {
  const text = readFileSync(join(ROOT, document), "utf8");
  // The extension's page lies at the top of the VSIX, beside media/.
  const here = document === "extension/README.md" ? ROOT : dirname(join(ROOT, document));

  test(`has at most ${MAX_COLUMNS} columns`, () => {
    const tooLong = text.split("\n").flatMap((line, index) => {
      const isMeasured = document === "docs/benchmarks.md"; // `npm run bench` writes its tables.
      return line.length > MAX_COLUMNS && !isMeasured ? [`${document}:${index + 1}`] : [];
    });
    expect(tooLong).toEqual([]);
  });

  test("links to files and headings that exist", () => {
    const broken = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].filter(
      ([, path = "", heading]) => {
        const target = path === "" ? join(ROOT, document) : join(here, path);
        if (!existsSync(target)) return true;
        return heading !== undefined && !headings(readFileSync(target, "utf8")).has(heading);
      },
    );
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  test("names paths of the repository that exist", () => {
    const roots = /^(?:agent|extension|gateway|packaging|protocol|scripts|test|web|docs)\/[\w./-]*$/;
    const paths = [...text.matchAll(/`([^`\s]+)`/g)].map(([, path = ""]) => path);
    const missing = paths.filter(
      (path) =>
        roots.test(path) &&
        !PLANNED.has(path) &&
        path !== "test/e2e/screenshots/" &&
        !existsSync(join(ROOT, path)),
    );
    expect(missing).toEqual([]);
  });
});

/** As the usual renderers name them: lower case, without punctuation, hyphens for blanks. */
function headings(markdown: string): Set<string> {
  return new Set(
    [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
