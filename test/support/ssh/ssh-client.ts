// The machine's own ssh, with a configuration for one server: its host key is pinned, one key signs in, and nothing of the
// person who runs the tests is read.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface SshServer {
  /** Has the private key `id`, and gets `config` and `known_hosts`. */
  readonly directory: string;
  /** How the configuration names the server. */
  readonly alias: string;
  readonly port: number;
  readonly user: string;
  /** A line of a `.pub` file. */
  readonly hostKey: string;
}

export class SshClient {
  /** Options for ssh, scp and sftp up to the server's alias. */
  readonly options: readonly string[];
  readonly #running = new Set<ChildProcess>();

  constructor({ directory, alias, port, user, hostKey }: SshServer) {
    const path = (name: string) => join(directory, name);
    const [type = "", base64 = ""] = hostKey.split(" ");
    writeFileSync(path("known_hosts"), `${alias} ${type} ${base64}\n`);
    const lines = [
      `Host ${alias}`,
      "  HostName 127.0.0.1",
      `  HostKeyAlias ${alias}`,
      `  Port ${port}`,
      `  User ${user}`,
      `  IdentityFile ${path("id")}`,
      "  IdentitiesOnly yes",
      "  IdentityAgent none",
      `  UserKnownHostsFile ${path("known_hosts")}`,
      "  GlobalKnownHostsFile none",
      "  StrictHostKeyChecking yes",
      "  BatchMode yes",
      "  ConnectTimeout 10",
    ];
    writeFileSync(path("config"), `${lines.join("\n")}\n`);
    this.options = ["-F", path("config")];
  }

  /** Starts ssh, scp or sftp. */
  start(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(program, [...this.options, ...args], { stdio: "pipe", ...options });
    this.#running.add(child);
    child.stdin?.on("error", () => {
      // ssh may end without having read everything.
    });
    child.once("exit", () => this.#running.delete(child));
    return child;
  }

  /** Ends what is still running. */
  stop(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }
}

/** Feeds `input`, ends it, and waits for the end. */
export async function finish(child: ChildProcess, input: string | Buffer = ""): Promise<Finished> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (data: Buffer) => out.push(data));
  child.stderr?.on("data", (data: Buffer) => err.push(data));
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }),
    );
  });
}
