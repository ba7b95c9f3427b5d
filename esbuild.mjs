// Builds dist/: the command line (cli.js and its chunks), the extension (extension/, likewise), the dashboard (web/), man pages
// (man/) and shell completion (completions/). `--dev` adds source maps and leaves the code as written. packaging/build/ says how. For releases:
// `--out DIR` builds there, `--version X` and `--release-keys KEY,…` go into the code.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildChunks } from "./packaging/build/chunks.ts";
import { licences } from "./packaging/build/licences.ts";
import { pages } from "./packaging/build/pages.ts";
import { buildWeb, builtInWeb } from "./packaging/build/web.ts";

const root = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: {
    dev: { type: "boolean", default: false },
    out: { type: "string", default: join(root, "dist") },
    version: { type: "string" },
    "release-keys": { type: "string" },
  },
});
const { dev } = values;
const dist = resolve(values.out);
const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const version = values.version ?? manifest.version;
const define = {
  __SALLYPORT_VERSION__: JSON.stringify(version),
  __SALLYPORT_RELEASE_KEYS__: JSON.stringify(values["release-keys"]?.split(",") ?? []),
};
// What has a native part stays a dependency: its binary is made or chosen where it is installed.
const external = Object.keys(manifest.dependencies);

const stop = () => process.exit(1); // esbuild has said why.
const web = await buildWeb({ dev }).catch(stop);

const commandLine = buildChunks({
  // A thread has a file of its own.
  entryPoints: { cli: "agent/cli.ts", "pac-worker": "agent/platform/network/pac/worker.ts" },
  external,
  define,
  plugins: [builtInWeb(web.files)],
  dev,
});

// Split as well: an editor compiles all of a file when it loads it, and most of this is for later.
const extension = buildChunks({
  entryPoints: { extension: "extension/extension.ts" },
  external: ["vscode", ...external],
  define,
  dev,
});

const results = await Promise.all([commandLine, extension]).catch(stop);
const files = new Map();
for (const [place, chunks] of [
  ["", results[0]],
  ["extension", results[1]],
]) {
  for (const [name, text] of chunks.files) files.set(join(dist, place, name), Buffer.from(text));
}
for (const [name, contents] of web.files) files.set(join(dist, "web", name), contents);
files.set(
  join(dist, "quickjs.wasm"),
  await readFile(join(root, "node_modules", "quickjs-wasi", "quickjs.wasm")),
);
files.set(join(dist, "package.json"), Buffer.from('{ "type": "commonjs" }\n'));
files.set(
  join(dist, "THIRD-PARTY-LICENSES.txt"),
  Buffer.from(
    await licences(
      "dist/",
      [...results, web].map(({ metafile }) => metafile),
    ),
  ),
);
for (const [name, text] of await pages(version)) files.set(join(dist, name), Buffer.from(text));
await writeAll(files);
const size = [...files.values()].reduce((sum, contents) => sum + contents.length, 0);
process.stderr.write(`built ${dist}: ${files.size} files, ${Math.round(size / 1024)} KiB\n`);

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
