// Builds the SSH client and server in peers/, which share no code with Sallyport: Go's
// golang.org/x/crypto/ssh. Tests that need them are skipped, with the reason in their name, where they cannot
// be built for want of Go or its modules.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Host } from "../../support/ssh/host-ssh.ts";

const source = fileURLToPath(new URL("peers", import.meta.url));

/** Why the peers cannot be built on this machine; undefined: they can. */
export const NO_PEERS = whyNot();

function whyNot(): string | undefined {
  if (spawnSync("go", ["version"]).status !== 0) return "no Go here";
  const fetched = spawnSync("go", ["mod", "download"], { cwd: source, encoding: "utf8", timeout: 30_000 });
  return fetched.status === 0 ? undefined : "Go's modules cannot be fetched here";
}

export interface Peers {
  readonly client: string;
  readonly server: string;
  remove(): void;
}

/** @throws Error with the compiler's output */
export function buildPeers(): Peers {
  const directory = mkdtempSync(join(tmpdir(), "ssh-peers-"));
  const built = spawnSync("go", ["build", "-o", `${directory}/`, "./..."], { cwd: source, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`The peers do not build: ${built.stderr}`);
  return {
    client: join(directory, "client"),
    server: join(directory, "server"),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface PeerServer {
  readonly port: number;
  /** What it has printed since, one object per line. */
  readonly events: Record<string, unknown>[];
  stop(): void;
}

export function startPeerServer(path: string, args: readonly string[]): Promise<PeerServer> {
  const child: ChildProcess = spawn(path, args, { stdio: ["ignore", "pipe", "inherit"] });
  const events: Record<string, unknown>[] = [];
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The peer ended with ${code}.`)));
    if (child.stdout === null) return;
    createInterface(child.stdout).on("line", (line) => {
      const event: unknown = JSON.parse(line);
      if (typeof event !== "object" || event === null) return;
      const entries = Object.fromEntries(Object.entries(event));
      if (typeof entries.port === "number") {
        resolve({ port: entries.port, events, stop: () => void child.kill() });
      } else events.push(entries);
    });
  });
}

/** A known_hosts file that names a host by its address, for clients without HostKeyAlias. */
export function knownByAddress({ directory, port }: Host): string {
  const path = join(directory, "known-by-address");
  const [, type, key] = readFileSync(join(directory, "known_hosts"), "utf8").split(" ");
  writeFileSync(path, `[127.0.0.1]:${port} ${type} ${key}`);
  return path;
}
