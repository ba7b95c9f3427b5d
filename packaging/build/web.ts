// The dashboard for browsers: web/ as ES modules in chunks with hashed names, its style sheet, its icon, and the German texts
// that it uses. The gateway serves the files (gateway/web/), and has them inside where it is bundled.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build, type Metafile, type Plugin } from "esbuild";
import { ROOT } from "../../scripts/repository.ts";
import { keyOf } from "../../web/words.ts";
import { textsOf } from "./texts.ts";

export interface WebFiles {
  /** By the name below `dist/web/`: `index.json`, and `assets/main-ABCDEFGH.js` and the others. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly metafile: Metafile;
}

/** Browsers of 2024: `light-dark()` is newer than everything else that is needed. */
const TARGET = ["chrome123", "firefox125", "safari17.5"];

/** @throws after esbuild has said why */
export async function buildWeb({ dev = false }: { readonly dev?: boolean } = {}): Promise<WebFiles> {
  const outdir = join(ROOT, "dist", "web");
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: "web/main.tsx", style: "web/style/style.css" },
    bundle: true,
    format: "esm",
    splitting: true,
    platform: "browser",
    target: TARGET,
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: !dev,
    sourcemap: dev ? "inline" : false,
    charset: "utf8",
    legalComments: "none", // THIRD-PARTY-LICENSES.txt has them all.
    metafile: true,
    write: false,
    logLevel: "warning",
    outdir,
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    plugins: [german()],
  });
  const files = new Map<string, Buffer>();
  for (const { path, contents } of outputFiles) {
    files.set(relative(outdir, path).replaceAll("\\", "/"), Buffer.from(contents));
  }
  const icon = await readFile(join(ROOT, "web", "style", "icon.svg"));
  const iconName = `assets/icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8)}.svg`;
  files.set(iconName, icon);
  const named = (pattern: RegExp) => [...files.keys()].find((name) => pattern.test(name)) ?? "";
  const main = named(/^assets\/main-.*\.js$/);
  const index = {
    main,
    style: named(/^assets\/style-.*\.css$/),
    icon: iconName,
    preload: imports(metafile, main),
  };
  files.set("index.json", Buffer.from(`${JSON.stringify(index)}\n`));
  return { files, metafile };
}

/** The chunks that the main one always loads. */
function imports(metafile: Metafile, main: string): string[] {
  const found = new Set<string>();
  const visit = (output: string): void => {
    for (const { path, kind } of metafile.outputs[output]?.imports ?? []) {
      if (kind !== "import-statement" || found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit(`dist/web/${main}`);
  return [...found].map((path) => path.replace(/^dist\/web\//, ""));
}

/** Puts the files into the gateway's bundle, compressed: gateway/web/built-in.ts is what it replaces. */
export function builtInWeb(files: ReadonlyMap<string, Buffer>): Plugin {
  const compressed = [...files].map(([name, contents]) => [
    name,
    brotliCompressSync(contents, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length },
    }).toString("base64"),
  ]);
  return {
    name: "built-in-web",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]gateway[\\/]web[\\/]built-in\.ts$/ }, () => ({
        contents: `export const builtIn = ${JSON.stringify(Object.fromEntries(compressed))};`,
        loader: "js",
      }));
    },
  };
}

/** `virtual:german`: what web/ shows, out of the catalogue that the extension shares. */
function german(): Plugin {
  return {
    name: "german",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^virtual:german$/ }, () => ({ path: "german", namespace: "texts" }));
      onLoad({ filter: /.*/, namespace: "texts" }, async () => {
        const catalogue: unknown = JSON.parse(
          await readFile(join(ROOT, "l10n", "bundle.l10n.de.json"), "utf8"),
        );
        const translated = new Map(Object.entries<string>(Object(catalogue)));
        const byKey = new Map<string, string>();
        for (const english of await textsOf("web", "t")) {
          const text = translated.get(english);
          const key = keyOf(english);
          if (byKey.has(key)) throw new Error(`two texts of web/ have one key: ${JSON.stringify(english)}`);
          if (text !== undefined) byKey.set(key, text);
        }
        return { contents: `export default ${JSON.stringify(Object.fromEntries(byKey))}`, loader: "js" };
      });
    },
  };
}
