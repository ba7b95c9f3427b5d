// QuickJS, compiled to WebAssembly: beside the bundles in dist/, or in its package where the sources run as they are.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { QuickJSOptions } from "quickjs-wasi";
import { bundledFile } from "./bundled-file.ts";

/** Node has it, and TypeScript knows it as a part of browsers only. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<QuickJSOptions["wasm"]> };

let compiled: Promise<QuickJSOptions["wasm"]> | undefined;

export function quickJsModule(): Promise<QuickJSOptions["wasm"]> {
  compiled ??= readFile(location()).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

function location(): string {
  return bundledFile("quickjs.wasm") ?? createRequire(import.meta.url).resolve("quickjs-wasi/quickjs.wasm");
}
