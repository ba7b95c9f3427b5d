// How long a companion takes from spawn to its first byte on the wire, beside `node -e 0` from spawn to exit. The runs
// alternate, so that what else the machine does hits all alike; the medians are compared.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { newAccessToken } from "../../protocol/token.ts";
import { CLI } from "../../scripts/stack.ts";

const ROUNDS = 25;
const WARM_UP = 3;

export interface StartUp {
  readonly rounds: number;
  readonly nodeMs: number;
  readonly httpMs: number;
  readonly httpRatio: number;
  readonly httpsMs: number;
  readonly httpsRatio: number;
}

export async function measureStartUp(directory: string): Promise<StartUp> {
  const wire = await Wire.open();
  // The person's own cache of compiled code must neither help nor change.
  const home = join(directory, "home");
  mkdirSync(home);
  const env = {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    SALLYPORT_TOKEN: newAccessToken(),
  };
  const companion = (scheme: string) => () =>
    wire.firstByte([CLI, "tunnel", `${scheme}://127.0.0.1:${wire.port}`, "demo"], env);
  const runs = { node: nodeAlone, http: companion("http"), https: companion("https") };
  const times = { node: [] as number[], http: [] as number[], https: [] as number[] };
  try {
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const name of ["node", "http", "https"] as const) {
        const ms = await runs[name]();
        if (round >= 0) times[name].push(ms);
      }
    }
  } finally {
    wire.close();
  }
  const [nodeMs, httpMs, httpsMs] = [median(times.node), median(times.http), median(times.https)];
  const ratio = (ms: number) => round2(ms / nodeMs);
  return {
    rounds: ROUNDS,
    nodeMs: round2(nodeMs),
    httpMs: round2(httpMs),
    httpRatio: ratio(httpMs),
    httpsMs: round2(httpsMs),
    httpsRatio: ratio(httpsMs),
  };
}

function nodeAlone(): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    spawn(process.execPath, ["-e", "0"], { stdio: "ignore" })
      .once("exit", () => resolve(performance.now() - start))
      .once("error", reject);
  });
}

/** A server that says when the first byte of a connection arrives. */
class Wire {
  readonly #server: Server;
  #onByte: () => void = () => {};

  static async open(): Promise<Wire> {
    const wire = new Wire();
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  private constructor() {
    this.#server = createServer((socket) => {
      socket.once("data", () => this.#onByte());
      socket.on("error", () => {}); // The companion is ended once its first byte is here.
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async firstByte(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
    const start = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (part) => {
      said += part;
    });
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    try {
      return await new Promise((resolve, reject) => {
        this.#onByte = () => resolve(performance.now() - start);
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`the companion ended with ${code}: ${said.trim()}`)));
      });
    } finally {
      // Not SIGKILL: the compiled code of the warm-up runs is kept at a proper end, as in daily use.
      child.kill("SIGTERM");
      await gone;
    }
  }

  close(): void {
    this.#server.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
