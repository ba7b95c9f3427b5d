// QuickJS, compiled to WebAssembly: from the file beside the bundles in dist/, or from its package where the sources run
// unbundled.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { QuickJSOptions } from "quickjs-wasi";
import { bundledFile } from "./bundled-file.ts";

/** Node has it, but TypeScript declares it for browsers only. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<QuickJSOptions["wasm"]> };

let compiled: Promise<QuickJSOptions["wasm"]> | undefined;

export function quickJsModule(): Promise<QuickJSOptions["wasm"]> {
  compiled ??= readFile(location()).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

function location(): string {
  return bundledFile("quickjs.wasm") ?? createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm");
}
