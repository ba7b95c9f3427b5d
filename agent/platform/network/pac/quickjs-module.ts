// QuickJS, compiled to WebAssembly: handed to this thread by the executable, from the file beside the bundles in dist/, or from
// its package where the sources run unbundled.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { workerData } from "node:worker_threads";
import type { QuickJSOptions } from "quickjs-wasi";
import { bundledFile } from "./bundled-file.ts";

/** Node has it, but TypeScript declares it for browsers only. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<QuickJSOptions["wasm"]> };

let compiled: Promise<QuickJSOptions["wasm"]> | undefined;

export function quickJsModule(): Promise<QuickJSOptions["wasm"]> {
  compiled ??= bytes().then((wasm) => WebAssembly.compile(wasm));
  return compiled;
}

async function bytes(): Promise<Uint8Array> {
  return workerData instanceof Uint8Array ? workerData : readFile(location());
}

function location(): string {
  return bundledFile("quickjs.wasm") ?? createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm");
}
