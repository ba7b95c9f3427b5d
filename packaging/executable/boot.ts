// The first code that an executable runs: tells the program what it is (agent/platform/executable.ts) and starts it. It is loaded
// once for each ssh connection, so it does nothing else.

import { dirname, isAbsolute } from "node:path";
import { getRawAsset } from "node:sea";
import { chunkLoader } from "./loader.ts";

/** The chunks that compiled code was recorded for. */
declare const __SALLYPORT_CACHED_CHUNKS__: readonly string[];

/** The self-unpacking script says here what people start. The program's children may be other programs: they do not get it. */
const { SALLYPORT_EXE: script } = process.env;
delete process.env.SALLYPORT_EXE;
const path = script !== undefined && isAbsolute(script) ? script : process.execPath;

Reflect.set(globalThis, Symbol.for("sallyport.executable"), {
  path,
  asset: (name: string) => new Uint8Array(getRawAsset(name)),
});
// Node puts the name that was typed there.
process.argv[1] = path;

const cached = new Set(__SALLYPORT_CACHED_CHUNKS__);
const load = chunkLoader(
  {
    text: (name) => Buffer.from(getRawAsset(name)).toString("latin1"),
    cache: (name) => (cached.has(name) ? Buffer.from(getRawAsset(`${name}.cache`)) : undefined),
  },
  dirname(process.execPath),
  require,
);
load("cli.js");
