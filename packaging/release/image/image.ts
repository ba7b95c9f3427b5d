// A step of a release: the container image, for every architecture whose program for musl is in the release.
//
// It has the program for musl with musl's loader beside it, because one and the same directory then runs in any image:
// `COPY --from` works for Debian and Alpine alike, and an image without anything else is as small as the program.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "../../../protocol/release/manifest.ts";
import type { TarEntry } from "../memory-tar.ts";
import type { Release } from "../release.ts";
import { type ImageConfig, imageLayout } from "./layout.ts";
import { type ImageArchitecture, muslLoader } from "./musl-loader.ts";
import { DATA, rootEntries, USER } from "./root.ts";

const PLATFORMS: readonly (readonly [ImageArchitecture, Platform])[] = [
  ["amd64", "linux-musl-x64"],
  ["arm64", "linux-musl-arm64"],
];

/** @throws Error with what a tool says */
export async function imageStep(release: Release): Promise<void> {
  const { version, cache } = release;
  const roots = new Map<string, readonly TarEntry[]>();
  for (const [architecture, platform] of PLATFORMS) {
    if (!release.platforms.includes(platform)) continue;
    const loader = await muslLoader(architecture, cache);
    roots.set(architecture, await rootEntries(join(release.work, platform), loader));
  }
  if (roots.size === 0) return;
  const date = new Date(release.time * 1000);
  const layout = await imageLayout({ name: "sallyport", tag: version, date, config: config(version), roots });
  await writeFile(join(release.directory, `sallyport-${version}-image.tar`), layout);
}

/** `gateway` needs no options in a container: it listens on all of its addresses, and keeps its data in the volume. */
function config(version: string): ImageConfig {
  return {
    User: `${USER}:${USER}`,
    Env: [
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      `HOME=${DATA}`,
      `SALLYPORT_DATA=${DATA}`,
      "SALLYPORT_HTTP=0.0.0.0:8022",
      "SALLYPORT_NO_FIRST_TOKEN=true",
    ],
    Entrypoint: ["sallyport"],
    Cmd: ["gateway"],
    WorkingDir: DATA,
    Volumes: { [DATA]: {} },
    ExposedPorts: { "8022/tcp": {} },
    StopSignal: "SIGTERM",
    Labels: {
      "org.opencontainers.image.title": "sallyport",
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": "MIT",
    },
  };
}
