import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { textsOf } from "../../../packaging/build/texts.ts";
import { ROOT } from "../../../scripts/repository.ts";

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
const texts = (path: string) =>
  new Map(Object.entries(Object(readJson(path))).map(([key, text]) => [key, String(text)]));

const placeholders = (text: string) => [...text.matchAll(/\{\d\}/g)].map(([one]) => one).toSorted();

test("every text that the code shows is translated into German, and nothing else is", async () => {
  const german = texts("l10n/bundle.l10n.de.json");
  const [extension, web] = [await textsOf("extension", "l10n.t"), await textsOf("web", "t")];
  expect(extension.size).toBeGreaterThan(200);
  expect(web.size).toBeGreaterThan(50);
  const shown = new Set([...extension, ...web]);
  expect([...shown].filter((text) => !german.has(text))).toEqual([]);
  expect([...german.keys()].filter((text) => !shown.has(text))).toEqual([]);
});

test("a translation has the same placeholders as its original", () => {
  for (const [english, german] of texts("l10n/bundle.l10n.de.json")) {
    expect(placeholders(german), english).toEqual(placeholders(english));
  }
});

test("the manifest has every text in both languages, with the same commands behind its links", () => {
  const manifest = readFileSync(join(ROOT, "package.json"), "utf8");
  const wanted = [...manifest.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key ?? "");
  const [english, german] = [texts("package.nls.json"), texts("package.nls.de.json")];
  expect([...new Set(wanted)].toSorted()).toEqual([...english.keys()].toSorted());
  expect([...german.keys()].toSorted()).toEqual([...english.keys()].toSorted());
  const links = (text = "") => [...text.matchAll(/\(command:([\w.]+)\)/g)].map(([, command]) => command);
  for (const [key, text] of english) expect(links(german.get(key)), key).toEqual(links(text));
});
