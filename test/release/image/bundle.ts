// The release's container image, unpacked by umoci, and run by runc: as an engine does it, without an engine.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { findProgram } from "../../support/programs/find-program.ts";

/** Of the runtime's config.json, what tests change. */
const Config = Type.Object({
  process: Type.Object({
    args: Type.Array(Type.String()),
    env: Type.Array(Type.String()),
    terminal: Type.Optional(Type.Boolean()),
    user: Type.Object({ uid: Type.Number(), gid: Type.Number() }),
  }),
  root: Type.Object({ path: Type.String(), readonly: Type.Optional(Type.Boolean()) }),
  mounts: Type.Array(Type.Object({ destination: Type.String(), source: Type.Optional(Type.String()) })),
  linux: Type.Object({ namespaces: Type.Array(Type.Object({ type: Type.String() })) }),
});

export function whyNoEngine(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  return ["umoci", "runc"]
    .filter((name) => findProgram(name, ["/usr/sbin"]) === undefined)
    .map((name) => `needs ${name}`)[0];
}

/** The directory below which `rootfs` is. */
export function unpack(layout: string, tag: string, directory: string): string {
  const bundle = join(directory, "bundle");
  execFileSync("umoci", ["unpack", "--image", `${layout}:${tag}`, bundle], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  return bundle;
}

export interface Run {
  readonly args: readonly string[];
  readonly env?: readonly string[];
  /** By where it is seen inside. */
  readonly volumes?: Readonly<Record<string, string>>;
}

/** Starts a container on the machine's own network, with a root that nobody can write to. */
export function runImage(bundle: string, { args, env = [], volumes = {} }: Run): ChildProcess {
  const file = join(bundle, "config.json");
  const config: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Value.Check(Config, config)) throw new Error("umoci wrote an unknown kind of config.json");
  const shared = new Set(["network", "cgroup"]);
  const changed = {
    ...config,
    process: { ...config.process, args, env: [...config.process.env, ...env], terminal: false },
    root: { ...config.root, readonly: true },
    mounts: [
      ...config.mounts.filter(
        ({ destination }) => !["/etc/resolv.conf", "/sys/fs/cgroup", "/sys"].includes(destination),
      ),
      ...Object.entries(volumes).map(([destination, source]) => ({
        destination,
        source,
        type: "bind",
        options: ["bind", "rw"],
      })),
    ],
    linux: { ...config.linux, namespaces: config.linux.namespaces.filter(({ type }) => !shared.has(type)) },
  };
  writeFileSync(file, JSON.stringify(changed));
  const name = `sallyport-test-${randomBytes(4).toString("hex")}`;
  return spawn("runc", ["run", "--bundle", bundle, name], { stdio: ["ignore", "pipe", "pipe"] });
}
