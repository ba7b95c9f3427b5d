// Builds dist/: the command line (cli.js with one chunk a command, so that a companion loads only its own code) and
// the extension (extension/, likewise), man pages (man/) and shell completion (completions/). `--dev` adds source maps and leaves the code as written.
//
// One build makes all of the command line, the gateway included, so that both share one copy of protocol/ and its
// error classes. It is written for Node 20; only the gateway needs the modules of Node 24, and it is loaded lazily.
//
// esbuild splits ES modules only, but Node starts CommonJS faster: importing a name from `node:fs` as an ES module
// runs all its lazy getters, which load a dozen more modules. So the chunks are turned into CommonJS afterwards.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");
const dev = process.argv.includes("--dev");
const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  define: {
    __SALLYPORT_VERSION__: JSON.stringify(manifest.version),
    // Spares each start the search for two native helpers of `ws` that are not installed.
    "process.env.WS_NO_BUFFER_UTIL": '"1"',
    "process.env.WS_NO_UTF_8_VALIDATE": '"1"',
  },
  minifyWhitespace: !dev,
  minifySyntax: !dev,
  sourcemap: dev ? "inline" : false,
  legalComments: "none", // THIRD-PARTY-LICENSES.txt has them all.
  metafile: true,
  write: false,
  logLevel: "warning",
  outdir: dist,
};

const commandLine = build({
  ...common,
  // A thread has a file of its own.
  entryPoints: { cli: "agent/cli.ts", "pac-worker": "agent/platform/network/pac/worker.ts" },
  format: "esm",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  // What has a native part stays a dependency: its binary is made or chosen where it is installed.
  external: Object.keys(manifest.dependencies),
  plugins: [lazyModules()],
});

// Split as well: an editor compiles all of a file when it loads it, and most of this is for later.
const extension = build({
  ...common,
  outdir: join(dist, "extension"),
  entryPoints: { extension: "extension/extension.ts" },
  format: "esm",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  external: ["vscode", ...Object.keys(manifest.dependencies)],
});

const results = await Promise.all([commandLine, extension]).catch(() => process.exit(1)); // esbuild has said why.
const files = new Map();
for (const { path, text } of results.flatMap(({ outputFiles }) => outputFiles)) {
  files.set(path, Buffer.from(await commonJs(text)));
}
files.set(
  join(dist, "quickjs.wasm"),
  await readFile(join(root, "node_modules", "quickjs-wasi", "quickjs.wasm")),
);
files.set(join(dist, "package.json"), Buffer.from('{ "type": "commonjs" }\n'));
files.set(
  join(dist, "THIRD-PARTY-LICENSES.txt"),
  Buffer.from(await licences(results.map((r) => r.metafile))),
);
for (const [name, text] of await pages()) files.set(join(dist, name), Buffer.from(text));
await writeAll(files);
const size = [...files.values()].reduce((sum, contents) => sum + contents.length, 0);
process.stderr.write(`built dist/: ${files.size} files, ${Math.round(size / 1024)} KiB\n`);

/** For packages of a system: a man page per command, and completion for shells, from the definitions of the commands. */
async function pages() {
  const [{ allDefinitions }, { manPages }, { completionScript, completionFile }] = await Promise.all([
    import("./agent/cli/commands.ts"),
    import("./agent/cli/help/man-page.ts"),
    import("./agent/cli/completion/script.ts"),
  ]);
  const definitions = await allDefinitions();
  const manuals = [...manPages(definitions, manifest.version)].map(([name, text]) => [
    join("man", name),
    text,
  ]);
  const scripts = ["bash", "zsh", "fish"].map((shell) => [
    join("completions", completionFile(shell)),
    completionScript(shell, definitions),
  ]);
  return [...manuals, ...scripts];
}

/**
 * `ws` loads https, tls and zlib as it starts, a third of the time that a companion takes to start on Node 24. It
 * uses them only for wss: URLs and for compression, so it gets objects that load the module at first use.
 */
function lazyModules() {
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
async function commonJs(text) {
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: common.target,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "moduleUrl" },
    minifyWhitespace: common.minifyWhitespace,
    minifySyntax: common.minifySyntax,
    sourcemap: common.sourcemap,
    logLevel: "warning",
  });
  if (!/\bmoduleUrl\b/.test(code)) return code;
  const definition = 'const moduleUrl=require("node:url").pathToFileURL(__filename).href;';
  return code.replace(/^(#!.*\n)?/, (shebang) => shebang + definition);
}

/** Writes what differs and removes what is left over, so that a build in vain disturbs nobody who runs from dist/. */
async function writeAll(wanted) {
  for (const [path, contents] of wanted) {
    const old = await readFile(path).catch(() => undefined); // Not there yet.
    if (old?.equals(contents)) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !wanted.has(path)) await rm(path, { force: true });
  }
}

/** The licence of every package that went into a bundle: their terms ask for it to travel along. */
async function licences(metafiles) {
  const packages = new Set();
  for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input.replaceAll("\\", "/"));
    if (found !== null) packages.add(found[1]);
  }
  const texts = await Promise.all(
    [...packages].sort().map(async (directory) => {
      const { name, version, license } = JSON.parse(
        await readFile(join(root, directory, "package.json"), "utf8"),
      );
      const file = (await readdir(join(root, directory))).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? "" : await readFile(join(root, directory, file), "utf8");
      return `${name} ${version} (${license})\n\n${text.trim()}\n`;
    }),
  );
  return `${relative(root, dist)}/ contains code of these packages.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}
