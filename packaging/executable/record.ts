// Runs the program's chunks under plain Node, as the executable's boot script does, and writes V8's compiled code for each chunk
// when the program ends: with the functions that ran, which is more than V8 keeps of a chunk that it has only loaded.
//   node record.js CHUNKS OUT [argument of the program…]

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Script } from "node:vm";
import { chunkLoader } from "./loader.ts";

const [program, , chunks = "", out = "", ...args] = process.argv;
process.argv = [program ?? "", process.execPath, ...args];
Reflect.set(globalThis, Symbol.for("sallyport.executable"), {
  path: process.execPath,
  asset(name: string): never {
    throw new Error(`${name} is not needed to start`);
  },
});

const scripts = new Map<string, Script>();
process.on("exit", () => {
  for (const [name, script] of scripts) {
    const path = join(out, `${name}.cache`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, script.createCachedData());
  }
});

const load = chunkLoader(
  { text: (name) => readFileSync(join(chunks, name), "latin1"), cache: () => undefined },
  dirname(process.execPath),
  require,
  (name, script) => scripts.set(name, script),
);
load("cli.js");
