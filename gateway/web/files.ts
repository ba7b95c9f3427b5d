// The dashboard's files in the forms that browsers take. They are loaded at the first request for a page, so that a gateway
// whose dashboard nobody opens holds none of them.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, gzip } from "node:zlib";
import { Type } from "typebox";
import { Parse } from "typebox/value";

export interface WebFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
}

export interface WebFiles {
  /** By path below the gateway's URL: `/assets/main-ABCDEFGH.js`. */
  readonly assets: ReadonlyMap<string, WebFile>;
  readonly index: WebIndex;
}

/** What the page's HTML names: paths below dist/web/. */
const Index = Type.Object({
  main: Type.String(),
  style: Type.String(),
  icon: Type.String(),
  preload: Type.Array(Type.String()),
});
type WebIndex = Type.Static<typeof Index>;

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** undefined: this is a gateway from sources, and the dashboard was not built. */
export async function loadWebFiles(): Promise<WebFiles | undefined> {
  const raw = await rawFiles();
  const index = raw?.get("index.json");
  if (raw === undefined || index === undefined) return undefined;
  const assets = new Map<string, WebFile>();
  for (const [name, contents] of raw) {
    if (name.startsWith("assets/")) assets.set(`/${name}`, await webFile(name, contents));
  }
  return { assets, index: Parse(Index, JSON.parse(index.toString())) };
}

async function rawFiles(): Promise<ReadonlyMap<string, Buffer> | undefined> {
  const files = new Map<string, Buffer>();
  const { builtIn } = await import("./built-in.ts");
  if (builtIn !== null) {
    for (const [name, text] of Object.entries<string>(builtIn)) {
      files.set(name, await promisify(brotliDecompress)(Buffer.from(text, "base64")));
    }
    return files;
  }
  const directory = fileURLToPath(new URL("../../dist/web/", import.meta.url));
  const names = await readdir(directory, { recursive: true }).catch(() => undefined); // Not built.
  for (const name of names ?? []) {
    if (/\.\w+$/.test(name)) files.set(name.replaceAll("\\", "/"), await readFile(join(directory, name)));
  }
  return names === undefined ? undefined : files;
}

async function webFile(name: string, plain: Buffer): Promise<WebFile> {
  return {
    type: TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
    plain,
    gzip: await promisify(gzip)(plain, { level: 9 }),
    brotli: await promisify(brotliCompress)(plain),
  };
}
