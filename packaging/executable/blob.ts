// The blob of a single executable application: the boot script, and assets by name. Large assets are compressed, which are those
// of gateways and hosts; a companion, which delays each ssh connection by its start, needs small ones only.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { runTool } from "./parts/run-tool.ts";
import { singleScript } from "./program-chunks.ts";

/** How each asset is kept. */
export type AssetForms = Readonly<Record<string, "plain" | "zstd" | undefined>>;

const LARGE = 100_000;

/** Node writes it in the form of its own version: a Node of the same major version will read it. */
export async function makeBlob(assets: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), "sallyport-blob-"));
  try {
    const paths: Record<string, string> = {};
    const forms: Record<string, "plain" | "zstd"> = {};
    for (const [name, contents] of assets) {
      const path = join(work, String(Object.keys(paths).length));
      const form = contents.length > LARGE ? "zstd" : "plain";
      await writeFile(path, form === "zstd" ? compressed(contents) : contents);
      paths[name] = path;
      forms[name] = form;
    }
    const define = { __SALLYPORT_ASSETS__: JSON.stringify(forms) };
    const [main, output, config] = [join(work, "boot.js"), join(work, "blob"), join(work, "config.json")];
    await writeFile(main, await singleScript("packaging/executable/boot.ts", define));
    const settings = { main, output, disableExperimentalSEAWarning: true, execArgvExtension: "none" };
    await writeFile(config, JSON.stringify({ ...settings, assets: paths }));
    await runTool(process.execPath, ["--experimental-sea-config", config]);
    return await readFile(output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function compressed(contents: Uint8Array): Buffer {
  return zstdCompressSync(contents, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
}
