// A whole gateway in this process with its SSH port, upterm hosts and clients of an independent make
// (peers.ts), and the machine's own ssh. All files are in a temporary directory; host keys are pinned.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningGateway, startGateway } from "../../../gateway/gateway.ts";
import { ADMISSION_LIMITS } from "../../../gateway/ssh/entrance/admission.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { parseGatewayOptions } from "../../support/gateway-options.ts";
import { prepareGatewayData } from "../../support/host-state.ts";
import { buildPeers, Peer } from "./peers.ts";

export interface TestKey {
  /** The path of the private key's file. */
  readonly path: string;
  /** authorized_keys form. */
  readonly line: string;
  readonly fingerprint: string;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface HostRequest {
  readonly over?: "ssh" | "ws";
  readonly identity?: TestKey;
  readonly hostKey?: TestKey;
  readonly args?: readonly string[];
  /** The keys that may join. */
  readonly allow?: readonly TestKey[];
}

export interface UptermHost {
  readonly peer: Peer;
  readonly session: string;
}

export class UptermStack {
  readonly gateway: RunningGateway;
  readonly directory: string;
  readonly log: string[];
  readonly #peers: { path: string; remove(): void };
  readonly #running: Peer[] = [];
  readonly #children: ChildProcess[] = [];
  #made = 0;

  static async start(extra: readonly string[] = ["--open"]): Promise<UptermStack> {
    const peers = buildPeers();
    const directory = mkdtempSync(join(tmpdir(), "sallyport-upterm-"));
    const { options } = parseGatewayOptions(
      [
        ...["--http", "127.0.0.1:0", "--ssh", "127.0.0.1:0", "--log-level", "debug"],
        ...["--data", join(directory, "gateway")],
        ...extra,
      ],
      {},
    );
    await prepareGatewayData(options.dataDir);
    const log: string[] = [];
    // Everything here comes from one address, and much of it is refused on purpose.
    const { penalties, ...admission } = ADMISSION_LIMITS;
    const forgiving = { ...penalties, costMs: { refused: 0, late: 0, left: 0, malformed: 0, scanned: 0 } };
    const limits = { admission: { ...admission, penalties: forgiving } };
    const gateway = await startGateway(options, (line) => log.push(line), limits);
    return new UptermStack(gateway, peers, directory, log);
  }

  private constructor(
    gateway: RunningGateway,
    peers: { path: string; remove(): void },
    directory: string,
    log: string[],
  ) {
    this.gateway = gateway;
    this.directory = directory;
    this.log = log;
    this.#peers = peers;
  }

  get gatewayKey(): string {
    return this.gateway.hostKeys.publicKeys[0] ?? "";
  }

  get sshPort(): number {
    return this.gateway.ssh?.port ?? 0;
  }

  url(over: "ssh" | "ws"): string {
    if (over === "ssh") return `ssh://127.0.0.1:${this.sshPort}`;
    return this.gateway.httpUrl.replace("http", "ws");
  }

  /** Makes a key pair, and with `signedBy` a user certificate for it in `<path>-cert.pub`. */
  key(type = "ed25519"): TestKey {
    const path = join(this.directory, `key-${this.#made++}`);
    execFileSync("ssh-keygen", ["-q", "-N", "", "-t", type, "-f", path]);
    const line = readFileSync(`${path}.pub`, "utf8").trim();
    return { path, line, fingerprint: parsePublicKey(line).fingerprint };
  }

  file(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  /** Starts a host; the test waits for what it expects of it. */
  startHost(request: HostRequest = {}): Peer {
    const { over = "ssh", identity = this.key(), hostKey = this.key(), args = [], allow = [] } = request;
    return this.#run([
      ...["host", "-server", this.url(over), "-gateway-key", this.gatewayKey],
      ...["-identity", identity.path, "-host-key", hostKey.path],
      ...allow.flatMap(({ line }) => ["-allow", line]),
      ...args,
    ]);
  }

  /** A host whose session can be joined. */
  async host(request: HostRequest = {}): Promise<UptermHost> {
    const peer = this.startHost(request);
    const { session } = await peer.event("ready");
    return { peer, session: String(session) };
  }

  /** Runs the independent client to its end. */
  client(
    key: TestKey,
    user: string,
    command: string,
    more: { over?: "ssh" | "ws"; args?: readonly string[] } = {},
  ) {
    const args = [
      ...["client", "-server", this.url(more.over ?? "ssh"), "-gateway-key", this.gatewayKey],
      ...["-identity", key.path, "-user", user, ...(more.args ?? []), command],
    ];
    return this.#finish(spawn(this.#peers.path, args));
  }

  /** Runs the machine's own ssh to its end. */
  ssh(key: TestKey | undefined, user: string, args: readonly string[], input?: Buffer): Promise<Finished> {
    return this.#finish(this.startSsh(key, user, args), input);
  }

  startSsh(key: TestKey | undefined, user: string, args: readonly string[]): ChildProcess {
    const pins = this.gateway.hostKeys.publicKeys.map((line) => `gateway ${line}\n`).join("");
    const child = spawn("ssh", [
      ...["-F", "none", "-o", `UserKnownHostsFile=${this.file("known_hosts", pins)}`],
      ...["-o", "GlobalKnownHostsFile=none", "-o", "HostKeyAlias=gateway", "-o", "UpdateHostKeys=no"],
      ...["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentityAgent=none"],
      ...["-o", "IdentitiesOnly=yes", "-o", `IdentityFile=${key?.path ?? "none"}`],
      ...["-p", String(this.sshPort), "-l", user, ...args],
    ]);
    this.#children.push(child);
    return child;
  }

  /** For ssh's ProxyCommand, as `upterm proxy` is used. */
  proxyCommand(user: string): string {
    return `${this.#peers.path} proxy ${this.url("ws").replace("ws://", `ws://${user}@`)}`;
  }

  /** Lines of the audit log by their event. */
  audited(event: string): Record<string, unknown>[] {
    return this.log
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ audit }) => audit === event);
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#running.map((peer) => peer.kill()));
    await this.gateway.close();
    this.#peers.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #run(args: readonly string[]): Peer {
    const peer = new Peer(this.#peers.path, args);
    this.#running.push(peer);
    return peer;
  }

  #finish(child: ChildProcess, input: Buffer = Buffer.alloc(0)): Promise<Finished> {
    const out: Buffer[] = [];
    let stderr = "";
    child.stdout?.on("data", (data: Buffer) => out.push(data));
    child.stderr?.on("data", (data) => {
      stderr += String(data);
    });
    // A client that is refused does not read its input.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout: Buffer.concat(out), stderr }));
    });
  }
}

/** Polls until the condition holds, for half a minute at most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("The condition did not become true in time.");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
