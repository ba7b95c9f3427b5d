// A real gateway with an SSH port in this process, real hosts in processes of their own, and the machine's own OpenSSH as
// the client. All files are in a temporary directory; every host key is pinned.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type RunningGateway, startGateway } from "../../../gateway/gateway.ts";
import type { SshLimits } from "../../../gateway/ssh/create-ssh-port.ts";
import type { AuditEntry } from "../../../protocol/api.ts";
import { SCOPES } from "../../../protocol/api.ts";
import { type AccountId, parseWorkspaceId, type WorkspaceId } from "../../../protocol/values/id.ts";
import { parseName, parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { AccessToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";
import { parseGatewayOptions } from "../gateway-options.ts";
import { prepareGatewayData, prepareHostState } from "../host-state.ts";
import { provedKey } from "./register-key.ts";

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestAccount {
  readonly id: AccountId;
  readonly name: string;
  readonly token: AccessToken;
}

export interface TestHost {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly child: ChildProcess;
  /** What it has written to stderr. */
  readonly log: string[];
  stop(): Promise<void>;
}

export interface StackOptions {
  /** More of the gateway's command line. */
  readonly args?: readonly string[];
  readonly limits?: Partial<SshLimits>;
  readonly dataDir?: string;
}

export class SshStack {
  readonly gateway: RunningGateway;
  readonly directory: string;
  readonly logLines: string[];
  readonly port: number;
  readonly #hosts: TestHost[] = [];
  readonly #running = new Set<ChildProcess>();
  readonly #sockets: Socket[] = [];
  #askpass = 0;

  static async start(options: StackOptions = {}): Promise<SshStack> {
    const directory = mkdtempSync(join(tmpdir(), "gateway-ssh-"));
    const parsed = parseGatewayOptions(
      [
        ...["--http", "127.0.0.1:0", "--ssh", "127.0.0.1:0", "--log-level", "debug"],
        ...["--data", options.dataDir ?? join(directory, "gateway"), ...(options.args ?? [])],
      ],
      {},
    );
    await prepareGatewayData(parsed.options.dataDir);
    const logLines: string[] = [];
    const gateway = await startGateway(parsed.options, (line) => logLines.push(line), options.limits);
    return new SshStack(gateway, directory, logLines);
  }

  private constructor(gateway: RunningGateway, directory: string, logLines: string[]) {
    this.gateway = gateway;
    this.directory = directory;
    this.logLines = logLines;
    if (gateway.ssh === null) throw new Error("no SSH port");
    this.port = gateway.ssh.port;
    mkdirSync(this.path("home"));
    writeFileSync(this.path("known_hosts"), this.pins(gateway.hostKeys.publicKeys));
    this.configure();
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  pins(keys: readonly string[]): string {
    return keys.map((key) => `[127.0.0.1]:${this.port} ${key}\n`).join("");
  }

  /** ssh's configuration: `gw` is the gateway; further hosts are what `-J` reaches. */
  configure(more: readonly string[] = []): void {
    const lines = [
      "Host gw",
      "  HostName 127.0.0.1",
      `  Port ${this.port}`,
      "Host *",
      "  User nobody-in-particular",
      `  UserKnownHostsFile ${this.path("known_hosts")}`,
      "  GlobalKnownHostsFile none",
      "  StrictHostKeyChecking yes",
      "  UpdateHostKeys no",
      "  IdentitiesOnly yes",
      "  IdentityAgent none",
      "  IdentityFile none",
      "  BatchMode yes",
      "  ConnectTimeout 15",
    ];
    writeFileSync(this.path("config"), [...more, ...lines, ""].join("\n"));
  }

  async account(name: string): Promise<TestAccount> {
    const { store } = this.gateway;
    const { id } = await store.accounts.create(parseName(name), false, null);
    const wanted = { accountId: id, title: "test", scopes: SCOPES, expiresInSeconds: null };
    const { token } = await store.tokens.create(wanted, { account: name });
    return { id, name, token };
  }

  /** Makes a key pair; returns the private key's path. */
  key(name: string, type: readonly string[] = ["-t", "ed25519"]): string {
    const path = this.path(name);
    execFileSync("ssh-keygen", ["-q", ...type, "-N", "", "-C", name, "-f", path]);
    return path;
  }

  /** The same, registered for an account. */
  async keyOf(account: TestAccount, name: string, type?: readonly string[]): Promise<string> {
    const path = this.key(name, type);
    await this.register(account, readFileSync(`${path}.pub`, "utf8"));
    return path;
  }

  register(account: TestAccount, line: string) {
    return provedKey(this.gateway.store, account.id, parsePublicKey(line), "test", { account: account.name });
  }

  /** Starts `sallyport host` and waits until it is online. Its host key is pinned under the workspace's name. */
  async host(
    account: TestAccount | undefined,
    name: string,
    args: readonly string[] = [],
    nodeArgs: readonly string[] = [],
    /** Where it dials, if that is not the gateway itself. */
    gateway = this.gateway.httpUrl,
  ): Promise<TestHost> {
    const state = this.path(`state-${this.#hosts.length}`);
    await prepareHostState(state);
    const child = spawn(
      process.execPath,
      [
        ...nodeArgs,
        CLI,
        "host",
        "--gateway",
        gateway,
        "--name",
        name,
        "--state",
        state,
        "--json",
        "-v",
        ...args,
      ],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: process.env.PATH,
          HOME: this.path("home"),
          SHELL: "/bin/sh",
          SALLYPORT_KEYCHAIN: "off",
          ...(account === undefined ? {} : { SALLYPORT_TOKEN: account.token, SALLYPORT_GATEWAY: gateway }),
        },
      },
    );
    this.#running.add(child);
    const log: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
    const id = await new Promise<WorkspaceId>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the host ended with ${code}: ${log.join("\n")}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const event: unknown = JSON.parse(line);
        if (typeof event === "object" && event !== null && "workspace" in event) {
          const { workspace } = event;
          if (typeof workspace === "object" && workspace !== null && "id" in workspace) {
            resolve(parseWorkspaceId(workspace.id));
          }
        }
      });
    });
    const record = await this.gateway.store.workspace(id);
    const pins = (record?.hostKeys ?? []).map((key) => `${name},${id} ${key}\n`).join("");
    writeFileSync(this.path("known_hosts"), pins, { flag: "a" });
    const host: TestHost = {
      id,
      name,
      child,
      log,
      stop: async () => {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        if (child.exitCode === null && child.kill()) await ended;
      },
    };
    this.#hosts.push(host);
    return host;
  }

  async owned(account: TestAccount, workspace: string) {
    const { store } = this.gateway;
    const identity = await store.authenticate(account.token);
    return store.workspaces.resolveOwned(parseWorkspaceRef(workspace), identity);
  }

  async ownerToken(account: TestAccount, workspace: string, seconds = 3600) {
    const owned = await this.owned(account, workspace);
    return this.gateway.store.ownerTokens.create(owned, seconds, { account: account.name });
  }

  /** Runs ssh to its end. `answers`: what a person types at the prompts, one after the other. */
  ssh(args: readonly string[], options: { input?: string; answers?: readonly string[] } = {}) {
    return finished(this.start(args, options.answers), options.input ?? "");
  }

  start(args: readonly string[], answers?: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(
      "ssh",
      ["-F", this.path("config"), ...(answers === undefined ? [] : ["-o", "BatchMode=no"]), ...args],
      { stdio: "pipe", ...options, env: { ...process.env, ...this.#answering(answers) } },
    );
    this.#running.add(child);
    child.stdin?.on("error", () => {
      // ssh may end without having read everything.
    });
    child.once("exit", () => this.#running.delete(child));
    return child;
  }

  #answering(answers: readonly string[] | undefined): Record<string, string> {
    if (answers === undefined) return {};
    const base = this.path(`askpass-${this.#askpass++}`);
    for (const [index, answer] of answers.entries()) writeFileSync(`${base}.${index}`, answer);
    writeFileSync(`${base}.prompts`, "");
    // Takes the next answer, and notes what was asked.
    writeFileSync(
      base,
      `#!/bin/sh\nn=$(grep -c '' ${base}.prompts)\necho "$1" >> ${base}.prompts\ncat ${base}.$n 2>/dev/null\necho\n`,
    );
    chmodSync(base, 0o700);
    return { SSH_ASKPASS: base, SSH_ASKPASS_REQUIRE: "force", DISPLAY: "none" };
  }

  /** The prompts of the last `answers`, in order. */
  prompts(): string[] {
    const text = readFileSync(this.path(`askpass-${this.#askpass - 1}.prompts`), "utf8");
    return text.split("\n").filter((line) => line !== "");
  }

  /** A TCP connection to the SSH port. */
  async connect(localAddress = "127.0.0.1"): Promise<RawConnection> {
    const socket = connect({ host: "127.0.0.1", port: this.port, localAddress });
    this.#sockets.push(socket);
    return new RawConnection(socket);
  }

  /** Audit lines, oldest first. */
  async audit(event?: string): Promise<AuditRow[]> {
    const rows = await this.gateway.store.auditLog.list({ limit: 1000 });
    return rows.filter((row) => event === undefined || row.event === event).reverse();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const child of this.#running) child.kill("SIGKILL");
    await this.gateway.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

type AuditRow = Omit<AuditEntry, "bytesIn" | "bytesOut" | "durationMs"> & {
  readonly bytes_in: number | null;
  readonly bytes_out: number | null;
  readonly duration_ms: number | null;
};

export class RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  text = "";

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      this.text += String(data);
    });
    socket.on("error", () => {
      // A refusal may come as a reset.
    });
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }
}

export async function finished(child: ChildProcess, input = ""): Promise<Finished> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr?.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
