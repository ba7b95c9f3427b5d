// The command line as chunks, one a command, so that a companion loads only its own code: for dist/ and for the executables.
//
// One build makes all of the command line, the gateway included, so that both share one copy of protocol/ and its
// error classes. It is written for Node 20; only the gateway needs the modules of Node 24, and it is loaded lazily.
//
// esbuild splits ES modules only, but Node starts CommonJS faster: importing a name from `node:fs` as an ES module
// runs all its lazy getters, which load a dozen more modules. So the chunks are turned into CommonJS afterwards.

import { join, relative } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin, transform } from "esbuild";
import { ROOT } from "../../scripts/repository.ts";

export interface ChunkOptions {
  /** By the name of the file that is made, without its ending. */
  readonly entryPoints: Readonly<Record<string, string>>;
  /** Packages that are not put in. */
  readonly external: readonly string[];
  readonly define: Readonly<Record<string, string>>;
  readonly plugins?: readonly Plugin[];
  /** With source maps, and as it was written. */
  readonly dev?: boolean;
  /** False: a single file for each entry. */
  readonly splitting?: boolean;
}

export interface Chunks {
  /** CommonJS by name, such as `cli.js` and `chunks/tunnel-ABCDEFGH.js`. */
  readonly files: ReadonlyMap<string, string>;
  readonly metafile: Metafile;
}

const TARGET = "node20";

/** @throws after esbuild has said why */
export async function buildChunks(options: ChunkOptions): Promise<Chunks> {
  const { entryPoints, external, define, plugins = [], dev = false, splitting = true } = options;
  const outdir = join(ROOT, "dist");
  const style = { minifyWhitespace: !dev, minifySyntax: !dev, sourcemap: dev ? "inline" : false } as const;
  const { outputFiles, metafile } = await build({
    ...style,
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    target: TARGET,
    define: {
      // Spares each start the search for two native helpers of `ws` that are not installed.
      "process.env.WS_NO_BUFFER_UTIL": '"1"',
      "process.env.WS_NO_UTF_8_VALIDATE": '"1"',
      ...define,
    },
    legalComments: "none", // THIRD-PARTY-LICENSES.txt has them all.
    metafile: true,
    write: false,
    logLevel: "warning",
    outdir,
    entryPoints: { ...entryPoints },
    format: "esm",
    splitting,
    chunkNames: "chunks/[name]-[hash]",
    external: [...external],
    plugins: [lazyModules(), ...plugins],
  });
  const files = new Map<string, string>();
  for (const { path, text } of outputFiles) {
    files.set(relative(outdir, path).replaceAll("\\", "/"), await commonJs(text, style));
  }
  return { files, metafile };
}

/**
 * `ws` loads https, tls and zlib as it starts, a third of the time that a companion takes to start on Node 24. It
 * uses them only for wss: URLs and for compression, so it gets objects that load the module at first use.
 */
function lazyModules(): Plugin {
  return {
    name: "lazy-modules",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(https|tls|zlib)$/ }, ({ path, importer }) =>
        importer.includes(join("node_modules", "ws", "lib")) ? { path, namespace: "lazy" } : undefined,
      );
      onLoad({ filter: /.*/, namespace: "lazy" }, ({ path }) => ({
        contents: `module.exports = new Proxy({}, { get: (_, name) => require("node:${path}")[name] });`,
        loader: "js",
      }));
    },
  };
}

/** One chunk as CommonJS. In there `import.meta.url` is nothing, so it gets what it stands for. */
async function commonJs(
  text: string,
  style: Pick<BuildOptions, "minifyWhitespace" | "minifySyntax" | "sourcemap">,
): Promise<string> {
  const { code } = await transform(text, {
    ...(style as { minifyWhitespace: boolean; minifySyntax: boolean; sourcemap: false | "inline" }),
    format: "cjs",
    platform: "node",
    target: TARGET,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "moduleUrl" },
    logLevel: "error", // The build has warned already.
  });
  if (!/\bmoduleUrl\b/.test(code)) return code;
  const definition = 'const moduleUrl=require("node:url").pathToFileURL(__filename).href;';
  return code.replace(/^(#!.*\n)?/, (shebang) => shebang + definition);
}
