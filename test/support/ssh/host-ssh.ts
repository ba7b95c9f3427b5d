// Starts the host's SSH server behind a plain TCP listener, and runs the machine's own OpenSSH against it. All files are
// in a temporary directory; the host key is pinned.

import { type ChildProcess, execFileSync, type SpawnOptions } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALL_PERMISSIONS, type KeyPermissions } from "../../../agent/host/ssh/sign-in/key-grant.ts";
import type { KeyGrant } from "../../../agent/host/ssh/ssh-server.ts";
import {
  createHostSshServer,
  type HostSshServer,
  type HostSshServerOptions,
  type StreamInfo,
} from "../../../agent/host/ssh/ssh-server.ts";
import { fingerprint } from "../../../protocol/values/ssh-public-key.ts";
import { type Finished, finish, SshClient } from "./ssh-client.ts";

export interface Host {
  readonly directory: string;
  readonly port: number;
  readonly server: HostSshServer;
  /** What the host has logged so far. */
  readonly lines: string[];
  /** The streams that the host got, in order. */
  readonly sockets: Socket[];
  /** Options for ssh, scp and sftp up to the host's name, which is `ws`. */
  readonly options: readonly string[];
  /** Runs ssh to its end. */
  ssh(args: readonly string[], input?: string | Buffer): Promise<Finished>;
  /** Starts ssh. Whatever is still running is ended by `stop`. */
  start(args: readonly string[], options?: SpawnOptions): ChildProcess;
  stop(): Promise<void>;
}

export interface HostSetup extends Partial<HostSshServerOptions> {
  /** What the client's key may do. */
  readonly permissions?: Partial<KeyPermissions>;
  /** Whose connection the next one is. */
  readonly peer?: () => StreamInfo;
  readonly keyType?: readonly string[];
  readonly hostKeyType?: readonly string[];
}

const stranger = (): StreamInfo => ({ address: "192.0.2.7", account: null, via: "tunnel" });

export async function startHost(setup: HostSetup = {}): Promise<Host> {
  const {
    permissions,
    peer = stranger,
    keyType = ["-t", "ed25519"],
    hostKeyType = ["-t", "ed25519"],
    ...options
  } = setup;
  const directory = mkdtempSync(join(tmpdir(), "host-ssh-"));
  const path = (name: string) => join(directory, name);
  makeKey(path("host_key"), hostKeyType);
  makeKey(path("id"), keyType);
  const clientKey = publicKey(path("id"));
  const lines: string[] = [];
  const log = (text: string) => void lines.push(text);
  const server = createHostSshServer({
    hostKeys: [readFileSync(path("host_key"), "utf8")],
    allowed: {
      allowed: ({ blob }) => (blob.equals(clientKey) ? grant(blob, permissions) : undefined),
      onChange: () => () => {},
    },
    anyone: false,
    shell: undefined,
    cwd: undefined,
    log: { debug: log, info: log, warn: log, error: log },
    ...options,
  });
  const sockets: Socket[] = [];
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket);
    server.accept(socket, peer());
  });
  const port = await listen(listener);
  const hostKey = readFileSync(path("host_key.pub"), "utf8");
  const client = new SshClient({ directory, alias: "ws", port, user: "someone", hostKey });
  const start = (args: readonly string[], options: SpawnOptions = {}) => client.start("ssh", args, options);
  return {
    directory,
    port,
    server,
    lines,
    sockets,
    options: client.options,
    start,
    ssh: (args, input) => finish(start(args), input),
    async stop() {
      client.stop();
      await server.close();
      await new Promise((done) => listener.close(done));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function grant(blob: Buffer, permissions: Partial<KeyPermissions> = {}): KeyGrant {
  return {
    account: null,
    fingerprint: fingerprint(blob),
    permissions: { ...ALL_PERMISSIONS, ...permissions },
  };
}

export function makeKey(path: string, type: readonly string[]): void {
  execFileSync("ssh-keygen", ["-q", ...type, "-N", "", "-C", "test", "-f", path]);
}

/** The wire form of a key whose public half is in `<path>.pub`. */
export function publicKey(path: string): Buffer {
  return Buffer.from(readFileSync(`${path}.pub`, "utf8").split(" ")[1] ?? "", "base64");
}

export function listen(server: ReturnType<typeof createServer>, host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
    });
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended stays a zombie until its parent asks; it may be gone by now.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}
