// A gateway, a host and a companion as processes of their own, with a relay on each of the two legs that can be cut.

import { type ChildProcess, execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, vi } from "vitest";
import { CutProxy } from "../support/cut-proxy.ts";
import { prepareGatewayData, prepareHostState } from "../support/host-state.ts";
import { freePort } from "../support/loopback.ts";
import { callApi, type Gateway, type Stack, startGateway, startHost, startStack } from "../support/stack.ts";

export const run = promisify(execFile);

export class World {
  readonly directory: string;
  readonly stack: Stack;
  /** Between companion and gateway. */
  readonly near: CutProxy;
  /** Between gateway and host. */
  readonly far: CutProxy;
  readonly #gatewayArgs: readonly string[];
  #host: Stack["host"];
  #gateway: Gateway;
  #restarting: Promise<void> = Promise.resolve();
  readonly #children = new Set<ChildProcess>();

  private constructor(directory: string, stack: Stack, legs: [CutProxy, CutProxy], args: readonly string[]) {
    this.directory = directory;
    this.stack = stack;
    [this.near, this.far] = legs;
    this.#gateway = stack.gateway;
    this.#host = stack.host;
    this.#gatewayArgs = args;
  }

  /** @param address of the gateway, by TLS and with nothing in between; undefined: this machine's, through the relays */
  static async start({ address }: { readonly address?: string } = {}): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-chaos-"));
    // Known beforehand, since a gateway that is started again has to be where it was.
    const [http, ssh] = [await freePort(), await freePort()];
    const { SALLYPORT_CHAOS_CERT: cert = "", SALLYPORT_CHAOS_KEY: key = "" } = process.env;
    const listen = address === undefined ? [] : ["--tls-cert", cert, "--tls-key", key];
    const args = [
      ...["--http", `${address ?? "127.0.0.1"}:${http}`, ...listen],
      ...["--ssh", `127.0.0.1:${ssh}`],
    ];
    const legs: [CutProxy, CutProxy] = [await CutProxy.start(http), await CutProxy.start(http)];
    const [near, far] = legs;
    const reach = () => Promise.resolve({ companion: near.url, host: far.url });
    const through = address === undefined ? { reach } : {};
    await Promise.all([
      prepareGatewayData(join(directory, "gateway")),
      prepareHostState(join(directory, "host")),
    ]);
    const stack = await startStack({ directory, workspace: "dev", gatewayArgs: args, ...through });
    return new World(directory, stack, legs, args);
  }

  /** Where the companions of this world keep their status. */
  get cache(): string {
    return join(this.directory, "cache", "sallyport");
  }

  get gatewayPid(): number {
    return this.#gateway.program.pid;
  }

  get hostPid(): number {
    return this.#host.pid;
  }

  /** Returns once the host's link is up. */
  async registered(): Promise<void> {
    await vi.waitFor(
      async () =>
        expect(await (await callApi(this.#gateway, "workspaces/dev")).json()).toMatchObject({ online: true }),
      { timeout: 20_000, interval: 100 },
    );
  }

  /** SIGKILL, and another one in its place, with the same identity. */
  async restartHost(): Promise<void> {
    process.kill(this.#host.pid, "SIGKILL");
    await this.#host.exited;
    const { directory } = this;
    this.#host = await startHost({ directory, workspace: "dev" }, { ...this.#gateway, url: this.far.url });
  }

  /** As Ctrl-C does. */
  async stopHost(): Promise<void> {
    await this.#host.stop();
  }

  /** SIGKILL, and another one in its place. */
  restartGateway(): Promise<void> {
    this.#restarting = this.#restarting.then(async () => {
      process.kill(this.#gateway.program.pid, "SIGKILL");
      await this.#gateway.program.exited;
      this.#gateway = await startGateway({ directory: this.directory, gatewayArgs: this.#gatewayArgs });
    });
    return this.#restarting;
  }

  /** Ended with the world, if it lives that long. */
  own(child: ChildProcess): ChildProcess {
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await this.#restarting.catch(() => undefined);
    await this.#host.stop();
    await this.#gateway.program.stop();
    await Promise.all([this.near.close(), this.far.close()]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Kilobytes of resident memory (proc(5)); 0: it is gone. */
export function residentKilobytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The companions that ssh has started for this world, by the URL in their arguments. */
export async function companions(world: World): Promise<number[]> {
  const { stdout } = await run("pgrep", ["-f", `cli.js tunnel ${world.near.url} dev$`]).catch(() => ({
    stdout: "",
  }));
  return stdout.split("\n").filter(Boolean).map(Number);
}
