// The first code that an executable runs: tells the program what it is (agent/platform/executable.ts) and starts it. It is loaded
// once for each ssh connection, so it does nothing else.

import { basename, dirname, isAbsolute } from "node:path";
import { getRawAsset } from "node:sea";
import type { AssetForms } from "./blob.ts";
import { chunkLoader } from "./loader.ts";

declare const __SALLYPORT_ASSETS__: AssetForms;

/**
 * The self-unpacking script says here what people start. Only a program that such a script has unpacked believes it, and the
 * program's children, which may be other programs, do not get it.
 */
const { SALLYPORT_EXE: script } = process.env;
delete process.env.SALLYPORT_EXE;
const isUnpacked = /^sallyport-unpacked-\d+$/.test(basename(dirname(dirname(process.execPath))));
const path = isUnpacked && script !== undefined && isAbsolute(script) ? script : process.execPath;

Reflect.set(globalThis, Symbol.for("sallyport.executable"), { path, asset });
// Node puts the name that was typed there.
process.argv[1] = path;

const load = chunkLoader(
  {
    text: (name) => asset(name).toString("latin1"),
    cache: (name) =>
      __SALLYPORT_ASSETS__[`${name}.cache`] === undefined ? undefined : asset(`${name}.cache`),
  },
  dirname(process.execPath),
  require,
);
load("cli.js");

/** @throws Error: there is none of this name */
function asset(name: string): Buffer {
  const raw = Buffer.from(getRawAsset(name));
  if (__SALLYPORT_ASSETS__[name] !== "zstd") return raw;
  return process.getBuiltinModule("node:zlib").zstdDecompressSync(raw);
}
