// The chunks' loader, with V8's compiled code and without.

import type { Script } from "node:vm";
import { expect, it } from "vitest";
import { chunkLoader, wrapped } from "../../../../packaging/executable/loader.ts";

const CHUNKS: Readonly<Record<string, string>> = {
  "cli.js": '#!/usr/bin/env node\nexports.deep=()=>require("./chunks/a.js").value;exports.file=__filename;',
  "chunks/a.js":
    'exports.value=require("../chunks/b.js").value+require("outside");exports.again=require("../cli.js");',
  "chunks/b.js": "exports.value=40;",
};

function load(
  cache: (name: string) => Buffer | undefined,
  onScript?: (name: string, script: Script) => void,
  comment = "",
) {
  const text = (name: string) => wrapped(`${CHUNKS[name]}${comment}`);
  const outside = (name: string) => (name === "outside" ? 2 : undefined);
  return chunkLoader({ text, cache }, "/opt/sallyport", outside, onScript);
}

interface Cli {
  deep(): number;
  file: string;
}

it("loads chunks from each other, in circles too, and the rest from outside", () => {
  const cli = load(() => undefined)("cli.js") as Cli;
  expect(cli.deep()).toBe(42);
  expect(cli.file).toBe("/opt/sallyport/cli.js");
});

it("uses compiled code, and does without where V8 does not accept it", () => {
  const kept = new Map<string, Buffer>();
  const scripts = new Map<string, Script>();
  (
    load(
      () => undefined,
      (name, script) => scripts.set(name, script),
    )("cli.js") as Cli
  ).deep();
  for (const [name, script] of scripts) kept.set(name, script.createCachedData());
  const rejected: (boolean | undefined)[] = [];
  const note = (_: string, script: Script) => rejected.push(script.cachedDataRejected);
  expect((load((name) => kept.get(name), note)("cli.js") as Cli).deep()).toBe(42);
  expect(rejected).toEqual([false, false, false]);
  // Another text, because V8 remembers what it has compiled.
  expect((load(() => Buffer.alloc(200), note, "/**/")("cli.js") as Cli).deep()).toBe(42);
  expect(rejected.slice(3)).toEqual([true, true, true]);
});
