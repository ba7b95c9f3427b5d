// V8's compiled code for the program's chunks, recorded while the program does what people start it for: a gateway, a host, and
// an ssh connection through both. It depends on the processor, and not on the system: what glibc's Node records, musl's takes.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Type } from "typebox";
import { startProgram } from "../../test/support/programs/program.ts";
import type { PartCache } from "./parts/part-cache.ts";
import { hasTool } from "./parts/run-tool.ts";
import { nodeRuntime } from "./parts/runtime.ts";
import { singleScript } from "./program-chunks.ts";

type Command = readonly [string, ...string[]];

/** Debian's libc6-arm64-cross, with which an arm64 program runs under qemu-user. */
const ARM64_ROOT = "/usr/aarch64-linux-gnu";

const GatewayReady = Type.Object({ http: Type.String(), adminToken: Type.String() });
const HostReady = Type.Object({ event: Type.Literal("ready") });

/**
 * Caches by the name of their chunk; undefined where this machine cannot run programs for that processor.
 * @param chunks as the loader wants them
 * @throws Error: the program does not run
 */
export async function codeCaches(
  cache: PartCache,
  architecture: "x64" | "arm64",
  chunks: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Buffer> | undefined> {
  const emulator = await emulatorFor(architecture);
  if (emulator === undefined) return undefined;
  const recorder = await singleScript("packaging/executable/record.ts");
  const { node } = await nodeRuntime(cache, `linux-${architecture}`);
  const inputs = [node, recorder, ...[...chunks].flat()];
  const directory = await cache.part(`code-${architecture}`, inputs, async (into) => {
    const work = await mkdtemp(join(tmpdir(), "sallyport-record-"));
    try {
      await writeFile(join(work, "record.js"), recorder);
      await writeAll(join(work, "chunks"), chunks);
      const [program, ...args] = [...emulator, node, join(work, "record.js"), join(work, "chunks")];
      if (program === undefined) return;
      await record(work, (out, ...own) => [program, ...args, join(work, out), ...own]);
      // Each start of a companion delays an ssh connection: of what several runs recorded, its own counts.
      for (const run of ["version", "gateway", "host", "tunnel"]) {
        await writeAll(into, await readAll(join(work, run)));
      }
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  const recorded = await readAll(directory);
  return new Map([...recorded].map(([name, contents]) => [name.replace(/\.cache$/, ""), contents]));
}

/** What to put before a command; undefined: there is no way to run it. */
async function emulatorFor(architecture: string): Promise<readonly string[] | undefined> {
  if (architecture === process.arch) return [];
  const emulator = "qemu-aarch64-static";
  if (architecture !== "arm64" || !existsSync(ARM64_ROOT) || !(await hasTool(emulator))) return undefined;
  return [emulator, "-L", ARM64_ROOT];
}

async function record(work: string, command: (out: string, ...args: string[]) => Command): Promise<void> {
  const env = environment(work);
  const common = { env, cwd: work };
  await run(command("version", "version"), env);
  const gateway = await startProgram({
    ...common,
    name: "the gateway",
    command: command("gateway", "gateway", "--json", "--http", "127.0.0.1:0", "--data", join(work, "data")),
    logFile: join(work, "gateway.log"),
    schema: GatewayReady,
  });
  try {
    const url = gateway.ready.http;
    const token = join(work, "token");
    await writeFile(token, gateway.ready.adminToken, { mode: 0o600 });
    const flags = ["--json", "--gateway", url, "--name", "box", "--token-file", token];
    const host = await startProgram({
      ...common,
      name: "the host",
      command: command("host", "host", ...flags, "--state", join(work, "state")),
      logFile: join(work, "host.log"),
      schema: HostReady,
    });
    try {
      const signIn = { ...env, SALLYPORT_TOKEN_FILE: token, SALLYPORT_GATEWAY: url };
      await run(command("tunnel", "tunnel", url, "box"), signIn);
    } finally {
      await host.stop();
    }
  } finally {
    await gateway.stop();
  }
}

/** Nothing of the person who makes the release. */
function environment(work: string): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { PATH, HOME: work, SALLYPORT_KEYCHAIN: "off", XDG_CACHE_HOME: join(work, "cache") };
}

/** Closes its stdin at the first output. @throws Error: it failed */
async function run([file, ...args]: Command, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (part) => {
    said += part;
  });
  child.stdin.on("error", () => undefined); // It has ended: its status tells.
  child.stdout.once("data", () => child.stdin.end()).resume();
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0)
    throw new Error(`\`sallyport ${args.slice(3).join(" ")}\` ended with ${code}: ${said.trim()}`);
}

async function writeAll(directory: string, files: ReadonlyMap<string, string | Buffer>): Promise<void> {
  for (const [name, contents] of files) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
}

async function readAll(directory: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string): Promise<[string, Buffer]> => [
    path.slice(directory.length + 1),
    await readFile(path),
  ];
  return new Map(await Promise.all(paths.sort().map(read)));
}
