// `scp` of 1 GiB on each way into a workspace: how fast, and what it costs each of our processes, beside the same
// through a local OpenSSH sshd with the same ciphers.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { startStack } from "../../support/stack.ts";
import { type OpenSshServer, startOpenSshServer } from "../openssh-server.ts";
import { cpuSeconds, findBelow, hasChildren } from "../process-usage.ts";

const GIB = 2 ** 30;
const GIGABYTES = GIB / 1e9;
const CIPHERS = ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com"] as const;

export type Path = "tunnel" | "jump" | "re-originated" | "sshd";

export interface Transfer {
  readonly path: Path;
  readonly direction: "up" | "down";
  readonly cipher: string;
  readonly megabytesPerSecond: number;
  /** CPU seconds per GB (10^9 bytes): all of ours together, and apart. */
  readonly cpu: { readonly total: number } & Readonly<Record<string, number>>;
}

interface Target {
  readonly path: Path;
  readonly sshConfig: string;
  readonly name: string;
  /** CPU seconds so far, by process, of the processes that outlive the transfer. */
  usage(): Promise<Record<string, number>>;
}

export async function measureTransfers(directory: string): Promise<Transfer[]> {
  const stack = await startStack({ directory, workspace: "bench" });
  let sshd: OpenSshServer | undefined;
  try {
    sshd = await startOpenSshServer(directory);
    if (sshd === undefined) process.stderr.write("no sshd here: nothing to compare with\n");
    const targets = [...stackTargets(stack), ...(sshd === undefined ? [] : [sshdTarget(sshd)])];
    const file = join(directory, "1GiB");
    writeRandom(file);
    const transfers: Transfer[] = [];
    for (const cipher of CIPHERS) {
      for (const direction of ["up", "down"] as const) {
        for (const target of targets) transfers.push(await measure(target, direction, cipher, file));
      }
    }
    return transfers;
  } finally {
    await sshd?.stop();
    await stack.stop();
  }
}

function stackTargets(stack: Awaited<ReturnType<typeof startStack>>): Target[] {
  const { host, gateway, sshConfig, workspace } = stack;
  const usage = async () => ({
    gateway: cpuSeconds(gateway.program.pid) ?? 0,
    host: cpuSeconds(host.pid) ?? 0,
  });
  return [
    { path: "tunnel", sshConfig, name: workspace.name, usage },
    { path: "jump", sshConfig, name: `${workspace.name}-jump`, usage },
    { path: "re-originated", sshConfig, name: `${workspace.name}-direct`, usage },
  ];
}

function sshdTarget({ pid, sshConfig }: OpenSshServer): Target {
  return {
    path: "sshd",
    sshConfig,
    name: "sshd",
    // What its children used counts once they have ended.
    usage: async () => {
      while (hasChildren(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
      return { sshd: cpuSeconds(pid) ?? 0 };
    },
  };
}

async function measure(
  target: Target,
  direction: "up" | "down",
  cipher: string,
  file: string,
): Promise<Transfer> {
  requireCipher(target, cipher);
  const copy = `${file}.copy`;
  const remote = (path: string) => `${target.name}:${path}`;
  const [from, to] = direction === "up" ? [file, remote(copy)] : [remote(file), copy];
  const before = await target.usage();
  const start = performance.now();
  const child = spawn("scp", ["-q", "-F", target.sshConfig, "-c", cipher, from, to], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const companion =
    target.path === "tunnel" && child.pid !== undefined ? watchCompanion(child.pid) : undefined;
  const code = await new Promise((resolve, reject) => child.once("exit", resolve).once("error", reject));
  const seconds = (performance.now() - start) / 1000;
  const companionSeconds = companion?.stop();
  if (code !== 0) throw new Error(`scp through ${target.path} ended with ${code}`);
  execFileSync("cmp", [file, copy]);
  rmSync(copy);
  const after = await target.usage();
  const used = Object.entries(after).map(
    ([name, value]) => [name, perGigabyte(value - (before[name] ?? 0))] as const,
  );
  if (companionSeconds !== undefined) used.unshift(["companion", perGigabyte(companionSeconds)]);
  const total = used.reduce((sum, [, value]) => sum + value, 0);
  return {
    path: target.path,
    direction,
    cipher,
    megabytesPerSecond: Math.round(GIB / 1e6 / seconds),
    cpu: { total: Math.round(total * 100) / 100, ...Object.fromEntries(used) },
  };
}

/** A companion ends with its ssh, so its last state is kept: at most 20 ms of its work are missed. */
function watchCompanion(scp: number): { stop(): number } {
  let pid: number | undefined;
  let used = 0;
  const timer = setInterval(() => {
    pid ??= findBelow(scp, "tunnel");
    if (pid !== undefined) used = cpuSeconds(pid) ?? used;
  }, 20);
  return {
    stop: () => {
      clearInterval(timer);
      if (pid === undefined) throw new Error("the companion was not found");
      return used;
    },
  };
}

/** Both sides must really use it: a server that does not know it would end the connection. */
function requireCipher({ sshConfig, name }: Target, cipher: string): void {
  const { stderr, status } = spawnSync("ssh", ["-v", "-F", sshConfig, "-c", cipher, name, "true"], {
    encoding: "utf8",
  });
  if (status === 0 && stderr.includes(`server->client cipher: ${cipher}`)) return;
  throw new Error(`${name} does not take ${cipher}:\n${stderr.split("\n").slice(-5).join("\n")}`);
}

function writeRandom(path: string): void {
  const block = randomBytes(16 * 2 ** 20);
  const file = openSync(path, "w");
  for (let written = 0; written < GIB; written += block.length) writeSync(file, block);
  closeSync(file);
}

function perGigabyte(seconds: number): number {
  return Math.round((seconds / GIGABYTES) * 100) / 100;
}
