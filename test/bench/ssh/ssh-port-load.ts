// What the gateway's SSH port bears: handshakes per second, a legitimate sign-in while strangers hold connections open
// and guess passwords, and its memory after many connections.

import { spawn, spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import ssh2 from "ssh2";
import { newOwnerToken } from "../../../protocol/values/token.ts";
import { type Stack, startStack } from "../../support/stack.ts";
import { cpuSeconds, residentKiB } from "../process-usage.ts";

const SLOW_LORIS = 500;
/** The heap takes its size in the first few hundred. */
const WARM_UP = 600;
const CYCLES = 1_000;
const SIGN_INS = 15;

export interface SshPortLoad {
  /** Key exchanges that one core of the gateway does in a second, from its CPU time. */
  readonly handshakesPerCpuSecond: number;
  /** Medians; `refused`: how many tries of the legitimate client were dropped early, and made again. */
  readonly signInMs: {
    readonly idle: number;
    readonly underAttack: number;
    readonly ratio: number;
    readonly refused: number;
  };
  readonly memoryKiB: { readonly after600: number; readonly after1600: number };
}

export async function measureSshPortLoad(directory: string): Promise<SshPortLoad> {
  const stack = await startStack({ directory, workspace: "bench" });
  try {
    const handshakesPerCpuSecond = await handshakes(stack);
    const { ms: idle } = await signIns(stack);
    const stop = attack(stack.gateway.sshPort);
    // Until the attack has filled the gateway's pending connections and goes on evenly; nothing tells when.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const { ms: underAttack, refused } = await signIns(stack);
    stop();
    cycles(stack, WARM_UP);
    const after600 = residentKiB(stack.gateway.program.pid);
    cycles(stack, CYCLES);
    const after1600 = residentKiB(stack.gateway.program.pid);
    return {
      handshakesPerCpuSecond,
      signInMs: { idle, underAttack, ratio: Math.round((underAttack / idle) * 100) / 100, refused },
      memoryKiB: { after600, after1600 },
    };
  } finally {
    await stack.stop();
  }
}

/** Through the key exchange and no further, each from another address: leaving without a try counts against one. */
async function handshakes({ gateway }: Stack): Promise<number> {
  const rounds = 200;
  const before = cpuSeconds(gateway.program.pid) ?? 0;
  for (let i = 0; i < rounds; i++) {
    await new Promise<void>((resolve, reject) => {
      const client = new ssh2.Client();
      client.once("handshake", () => client.end());
      client.once("close", () => resolve());
      client.once("error", (error) => (error.level === "client-authentication" ? undefined : reject(error)));
      client.connect({
        host: "127.0.0.1",
        port: gateway.sshPort,
        localAddress: someAddress(3),
        username: "x",
      });
    });
  }
  return Math.round(rounds / ((cpuSeconds(gateway.program.pid) ?? 0) - before));
}

/** Milliseconds of `ssh … true`, the median of the ones that signed in. */
async function signIns({ sshConfig }: Stack): Promise<{ ms: number; refused: number }> {
  const times: number[] = [];
  let refused = 0;
  while (times.length < SIGN_INS) {
    const start = performance.now();
    // In another process, but not waited for with a blocked loop: the attack runs in this one.
    const { status, stderr } = await run("ssh", ["-F", sshConfig, "bench-direct", "true"]);
    if (status === 0) times.push(performance.now() - start);
    else if (++refused > 10 * SIGN_INS) throw new Error(`a legitimate sign-in failed: ${stderr}`);
  }
  return { ms: Math.round(times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN), refused };
}

function run(file: string, args: readonly string[]): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, stderr })));
}

/** 500 connections that say nothing, each dialled again once it is dropped, and a client that guesses owner tokens. */
function attack(port: number): () => void {
  let stopped = false;
  const sockets = new Set<Socket>();
  const hold = (): void => {
    if (stopped) return;
    const socket = connect({ host: "127.0.0.1", port, localAddress: someAddress(1) });
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resume();
    socket.once("close", () => {
      sockets.delete(socket);
      setTimeout(hold, 500);
    });
  };
  for (let i = 0; i < SLOW_LORIS; i++) hold();
  const guess = (): void => {
    if (stopped) return;
    const client = new ssh2.Client();
    client.on("error", () => undefined);
    client.once("close", () => setTimeout(guess, 20));
    client.connect({
      host: "127.0.0.1",
      port,
      localAddress: someAddress(2),
      username: "bench",
      password: newOwnerToken(),
      readyTimeout: 5_000,
    });
  };
  guess();
  return () => {
    stopped = true;
    for (const socket of sockets) socket.destroy();
  };
}

/** Loopback addresses other than the legitimate client's, as a botnet has many. */
function someAddress(network: number): string {
  const octet = (): number => 1 + Math.floor(Math.random() * 250);
  return `127.${network}.${octet()}.${octet()}`;
}

function cycles({ sshConfig }: Stack, count: number): void {
  for (let i = 0; i < count; i++) {
    spawnSync("ssh", ["-F", sshConfig, "-W", "bench:22", "gateway"], {
      input: "",
      stdio: ["pipe", "ignore", "ignore"],
    });
  }
}
