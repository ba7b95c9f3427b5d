// The program's code for an executable: the same chunks as in dist/, with ssh2 inside, whose native part comes from where the
// executable has it. Packages with native parts that are used through agent/platform/native-parts.ts stay out.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { ROOT } from "../../scripts/repository.ts";
import { buildChunks } from "../build/chunks.ts";
import { licences } from "../build/licences.ts";
import { buildWeb, builtInWeb } from "../build/web.ts";
import { wrapped } from "./loader.ts";

export interface ProgramChunks {
  /** By name, ready for the loader (loader.ts); in ASCII. */
  readonly chunks: ReadonlyMap<string, string>;
  /** Other files that are built in. */
  readonly assets: ReadonlyMap<string, Uint8Array>;
  /** The text of THIRD-PARTY-LICENSES.txt. */
  readonly licences: string;
}

/** Loaded at run time only where they are; the executable does not have them as packages. */
const EXTERNAL = ["cpu-features", "keytar", "@lydell/node-pty"];

/** @param keys public keys of releases, as in protocol/release/signature.ts @throws after esbuild has said why */
export async function programChunks(version: string, keys: readonly string[]): Promise<ProgramChunks> {
  const common = {
    external: EXTERNAL,
    define: {
      __SALLYPORT_VERSION__: JSON.stringify(version),
      __SALLYPORT_RELEASE_KEYS__: JSON.stringify(keys),
    },
    plugins: [builtInCiphers()],
  };
  const web = await buildWeb();
  const program = await buildChunks({
    ...common,
    entryPoints: { cli: "agent/cli.ts" },
    plugins: [...common.plugins, builtInWeb(web.files)],
  });
  // It runs in a thread, which gets it as one text.
  const entry = { "pac-worker": "agent/platform/network/pac/worker.ts" };
  const worker = await buildChunks({ ...common, entryPoints: entry, splitting: false });
  const assets = new Map<string, Uint8Array>();
  for (const [name, text] of worker.files) assets.set(name, Buffer.from(text));
  assets.set("quickjs.wasm", await readFile(join(ROOT, "node_modules", "quickjs-wasi", "quickjs.wasm")));
  return {
    chunks: new Map([...program.files].map(([name, text]) => [name, ascii(name, wrapped(text))])),
    assets,
    licences: await licences("Sallyport", [program.metafile, worker.metafile, web.metafile]),
  };
}

/** A script that Node runs by itself, from one of our sources, in one piece. */
export async function singleScript(
  source: string,
  define: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [source],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "cjs",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
    define: { ...define },
  });
  return outputFiles[0]?.text ?? "";
}

/** ssh2 loads its native part by a path in its package. */
function builtInCiphers(): Plugin {
  return {
    name: "built-in-ciphers",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\/sshcrypto\.node$/ }, ({ importer, path }) =>
        // Not the one in native-parts.ts itself, which is for Node and packages.
        importer.includes(join("node_modules", "ssh2"))
          ? { path, namespace: "built-in" }
          : { path, external: true },
      );
      onLoad({ filter: /.*/, namespace: "built-in" }, () => ({
        contents: 'module.exports = require("./agent/platform/native-parts.ts").loadNativePart("sshcrypto");',
        resolveDir: ROOT,
        loader: "js",
      }));
    },
  };
}

/** esbuild escapes the rest; the loader relies on that. */
function ascii(name: string, text: string): string {
  const at = /[^\0-\x7f]/.exec(text)?.index;
  if (at !== undefined) throw new Error(`${name} is not ASCII: …${text.slice(at - 20, at + 20)}…`);
  return text;
}
