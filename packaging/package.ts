// `npm run package`: builds Sallyport and writes the extension as one VSIX for every platform, native parts included, so
// that nothing is downloaded after its installation.
//   npm run package -- [--out FILE]

import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildAll } from "../scripts/build.ts";
import { ROOT } from "../scripts/repository.ts";
import { readManifest } from "./vsix/manifest.ts";
import { writeVsix } from "./vsix/vsix.ts";

const { values } = parseArgs({ options: { out: { type: "string" } } });
await buildAll();
const { name, version } = await readManifest();
const path = resolve(values.out ?? join(ROOT, `${name}-${version}.vsix`));
const bytes = await writeVsix(path);
process.stdout.write(`${relative(process.cwd(), path)}: ${Math.round(bytes / 1024)} KiB\n`);
