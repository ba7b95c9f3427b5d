// A person's home on a machine whose service managers only play to be some (fake-manager.ts), and an account at a gateway.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn as spawnInTerminal } from "@lydell/node-pty";
import type { Scope } from "../../../protocol/api.ts";
import { CLI } from "../../../scripts/repository.ts";
import { type Finished, Person } from "../../support/cli.ts";
import type { TestStack } from "../../support/link.ts";

const MANAGER = join(import.meta.dirname, "fake-manager.ts");
export const isRoot = process.getuid?.() === 0;
/** Services of an account are not for root, who becomes somebody else in a namespace of users. */
const AS_SOMEBODY = isRoot ? ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] : [];

export function works([program = "", ...args]: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

export const canBeSomebody = process.platform === "linux" && works([...AS_SOMEBODY, "true"]);
if (!canBeSomebody) {
  console.warn("skipped: no namespace of users can be made here, so root cannot be somebody else");
}

let accounts = 0;

export class ServiceWorld {
  readonly #stack: TestStack;
  readonly #person = new Person();
  /** The directory of the service managers. */
  readonly fake = join(this.home, "fake");
  readonly tokenFile = join(this.home, "my $token");
  readonly unitFile = join(this.home, ".config/systemd/user/sallyport-host.service");
  token = "";

  private constructor(stack: TestStack) {
    this.#stack = stack;
  }

  static async start(stack: TestStack): Promise<ServiceWorld> {
    const world = new ServiceWorld(stack);
    mkdirSync(world.fake);
    for (const name of ["systemctl", "journalctl", "loginctl", "launchctl", "tail"]) {
      const script = `#!/bin/sh\nexec "${process.execPath}" --no-warnings "${MANAGER}" ${name} "$@"\n`;
      writeFileSync(join(world.fake, name), script, { mode: 0o755 });
    }
    world.token = await world.newToken(["host"]);
    writeFileSync(world.tokenFile, `${world.token}\n`, { mode: 0o600 });
    return world;
  }

  get home(): string {
    return this.#person.home;
  }

  /** Of a new account. */
  async newToken(scopes: readonly Scope[]): Promise<string> {
    return (await this.#stack.token(await this.#stack.account(`ann${accounts++}`), scopes)).token;
  }

  /** What the service managers were called for, in order. */
  calls(): readonly string[] {
    const file = join(this.fake, "calls");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  /** The command line of `sallyport …args` as somebody who is not root. */
  sallyport(...args: string[]): readonly string[] {
    return [...AS_SOMEBODY, process.execPath, CLI, ...args];
  }

  run(command: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      env: { ...this.#environment(), ...env },
      cwd: this.home,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part) => {
      stdout += part;
    });
    child.stderr.on("data", (part) => {
      stderr += part;
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
  }

  /** Runs it in a terminal, and types each answer when its question shows. */
  runInTerminal(
    command: readonly string[],
    answers: readonly (readonly [question: string, answer: string])[],
  ): Promise<{ readonly code: number; readonly output: string }> {
    const [program = "", ...args] = command;
    const env = this.#environment();
    const pty = spawnInTerminal(program, args, { env, cwd: this.home, cols: 200, rows: 50 });
    const waiting = [...answers];
    let output = "";
    pty.onData((part) => {
      output += part;
      const [next] = waiting;
      if (next === undefined || !output.includes(`${next[0]} [y/N] `)) return;
      waiting.shift();
      pty.write(`${next[1]}\r`);
    });
    return new Promise((resolve) => pty.onExit(({ exitCode }) => resolve({ code: exitCode, output })));
  }

  /** `sallyport host …args`, with systemd. */
  host(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    return this.run(this.sallyport("host", ...args, "--manager", "systemd"), env);
  }

  install(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Finished> {
    return this.host(
      ["install-service", "--gateway", this.#stack.url, "--name", "dev", "--yes", ...args],
      env,
    );
  }

  /** Everything in the home but the fakes. */
  filesAtHome(): readonly string[] {
    return readdirSync(this.home, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.parentPath.startsWith(this.fake))
      .map((entry) => join(entry.parentPath, entry.name).slice(this.home.length + 1))
      .filter((path) => !path.startsWith(".cache/"))
      .toSorted();
  }

  close(): void {
    const pidFile = join(this.fake, "pid");
    // The host of a test that has failed.
    if (existsSync(pidFile)) spawnSync("kill", [readFileSync(pidFile, "utf8")]);
    this.#person.close();
  }

  #environment(): Record<string, string> {
    const { env } = this.#person;
    return { ...env, PATH: `${this.fake}:${env.PATH}`, FAKE: this.fake, FAKE_FILE: this.unitFile };
  }
}
