// The program that writes .deb, .rpm and .apk: nfpm, built from source by the machine's Go. nfpm/go.mod names its version and
// nfpm/go.sum the checksum of every module that goes into it, so no other source can be built. It is built once and kept.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PartCache } from "../../executable/parts/part-cache.ts";
import { runTool } from "../../executable/parts/run-tool.ts";

const MODULE = join(import.meta.dirname, "nfpm");
const PACKAGE = "github.com/goreleaser/nfpm/v2/cmd/nfpm";

/** Path of the program. @throws Error with what Go says */
export async function nfpm(cache: PartCache): Promise<string> {
  const pins = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(MODULE, name))));
  const directory = await cache.part("nfpm", pins, async (into) => {
    const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"];
    // Where Go itself suggests to install it, since a distribution's is often too old.
    const env = { ...process.env, CGO_ENABLED: "0", PATH: `${process.env.PATH}:/usr/local/go/bin` };
    await runTool("go", ["build", ...flags, "-o", join(into, "nfpm"), PACKAGE], { cwd: MODULE, env });
  });
  return join(directory, "nfpm");
}
