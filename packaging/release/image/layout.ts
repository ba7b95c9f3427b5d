// An image for several architectures in the form that engines exchange: the OCI image layout, as one tar
// (opencontainers/image-spec: image-layout.md, image-index.md, manifest.md, config.md). The same inputs give the same bytes.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type TarEntry, tar } from "../memory-tar.ts";

/** The part of a configuration that is the same for every architecture, in the words of the specification. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Volumes: Readonly<Record<string, Record<string, never>>>;
  readonly ExposedPorts: Readonly<Record<string, Record<string, never>>>;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface LayoutInput {
  readonly name: string;
  readonly tag: string;
  readonly date: Date;
  readonly config: ImageConfig;
  /** Each architecture's only layer, by the name that the specification takes from Go (`amd64`). */
  readonly roots: ReadonlyMap<string, readonly TarEntry[]>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = "application/vnd.oci.image";

export async function imageLayout({ name, tag, date, config, roots }: LayoutInput): Promise<Uint8Array> {
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, contents: Uint8Array): Descriptor => {
    const digest = sha256(contents);
    blobs.set(digest, contents);
    return { mediaType, digest: `sha256:${digest}`, size: contents.length };
  };
  const manifests = [];
  for (const [architecture, entries] of roots) {
    const layer = await tar(entries, date);
    const image = {
      created: date.toISOString(),
      architecture,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: date.toISOString(), created_by: "sallyport release" }],
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: add(`${OCI}.config.v1+json`, json(image)),
      layers: [add(`${OCI}.layer.v1.tar+gzip`, gzipSync(layer, { level: 6 }))],
      annotations: config.Labels,
    };
    const platform = { architecture, os: "linux" };
    manifests.push({ ...add(`${OCI}.manifest.v1+json`, json(manifest)), platform });
  }
  const index = { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests };
  const annotations = {
    "org.opencontainers.image.ref.name": tag,
    // What containerd and docker name it after `load`.
    "io.containerd.image.name": `docker.io/library/${name}:${tag}`,
  };
  const entry = { ...add(`${OCI}.index.v1+json`, json(index)), annotations };
  return await tar(
    [
      { path: "oci-layout", contents: '{"imageLayoutVersion":"1.0.0"}\n' },
      {
        path: "index.json",
        contents: json({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests: [entry] }),
      },
      ...[...blobs].map(([digest, contents]) => ({ path: `blobs/sha256/${digest}`, contents })),
    ],
    date,
  );
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sha256(contents: Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}
