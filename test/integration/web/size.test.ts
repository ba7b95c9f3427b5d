// How much a browser loads: everything, and what the first page needs. Both as the gateway sends it to a browser without brotli.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ROOT } from "../../../scripts/repository.ts";

const ASSETS = join(ROOT, "dist", "web", "assets");
const KIB = 1024;
const names = readdirSync(ASSETS);
const gzipped = (name: string) => gzipSync(readFileSync(join(ASSETS, name)), { level: 9 }).length;

/** The file and all that it imports at once. */
function withImports(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(join(ASSETS, name), "utf8");
  for (const [, imported = ""] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([\w-]+\.js)"/g)) {
    withImports(imported, found);
  }
  return found;
}

const isGerman = (name: string) => name.startsWith("german-");

test("all of the dashboard is at most 60 KiB gzipped, and German at most 14 KiB more for those who read it", () => {
  const all = names.filter((name) => !isGerman(name)).reduce((sum, name) => sum + gzipped(name), 0);
  const german = names.filter(isGerman).reduce((sum, name) => sum + gzipped(name), 0);
  process.stderr.write(
    `the dashboard: ${(all / KIB).toFixed(1)} KiB gzipped in ${names.length} files, German ${(german / KIB).toFixed(1)} KiB\n`,
  );
  expect(all).toBeLessThanOrEqual(60 * KIB);
  expect(german).toBeGreaterThan(KIB);
  expect(german).toBeLessThanOrEqual(14 * KIB);
});

test("the first page, the list of workspaces, needs at most 30 KiB gzipped", () => {
  const loaded = new Set<string>();
  for (const name of names) if (/^(?:main|style|icon)-/.test(name)) withImports(name, loaded);
  const main = names.find((name) => /^main-/.test(name)) ?? "";
  // As web/routes.ts names it: the chunk of the page at "/".
  const text = readFileSync(join(ASSETS, main), "utf8");
  const page = /workspaces:\(\)=>import\("\.\/([\w-]+\.js)"\)/.exec(text)?.[1];
  expect(page).toBeDefined();
  withImports(page ?? "", loaded);
  const first = [...loaded].reduce((sum, name) => sum + gzipped(name), 0);
  process.stderr.write(`the first page: ${(first / KIB).toFixed(1)} KiB gzipped in ${loaded.size} files\n`);
  expect(first).toBeLessThanOrEqual(30 * KIB);
});
