// How long each client takes from spawn to its first byte on the wire, beside `node -e 0` from spawn to exit: Sallyport's
// companion cannot start faster than its runtime. They take turns, so that what else the machine does hits all alike.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { newAccessToken } from "../../../protocol/values/token.ts";
import type { Certificate } from "../certificate.ts";
import type { Skipped } from "../places.ts";
import { median, percentile, rounded } from "../statistics.ts";
import type { Place, Subject } from "../subjects/subject.ts";

export interface StartUpRow {
  readonly name: string;
  readonly medianMs: number;
  readonly p90Ms: number;
  /** The median in multiples of Node's own. */
  readonly ofNode: number;
}

type Dial = NonNullable<Subject["dial"]>;

const NODE = "node -e 0";
const WARM_UP = 2;
const FIRST_BYTE_MS = 20_000;

export async function measureStartUp(
  subjects: readonly Subject[],
  rounds: number,
  { directory, certificate, skipped }: { directory: string; certificate: Certificate; skipped: Skipped },
): Promise<StartUpRow[]> {
  const wire = await Wire.open();
  const times = new Map<string, number[]>([[NODE, []]]);
  try {
    for (let round = -WARM_UP; round < rounds; round++) {
      const bare = await nodeAlone();
      if (round >= 0) times.get(NODE)?.push(bare);
      for (const { name, dial } of subjects) {
        if (dial === undefined || skipped.has(partOf(name))) continue;
        const own = join(directory, name.replaceAll(/\W+/g, "-"));
        mkdirSync(own, { recursive: true, mode: 0o700 });
        writeFileSync(join(own, "token"), newAccessToken(), { mode: 0o600 });
        const place = { directory: own, target: 9, listen: "127.0.0.1", reach: "127.0.0.1", certificate };
        try {
          const ms = await wire.firstByte(dial, place);
          if (round >= 0) times.set(name, [...(times.get(name) ?? []), ms]);
        } catch (error) {
          skipped.set(
            partOf(name),
            `did not dial: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
      }
    }
  } finally {
    wire.close();
  }
  const node = median(times.get(NODE) ?? []);
  return [...times]
    .filter(([name]) => !skipped.has(partOf(name)))
    .map(([name, values]) => ({
      name,
      medianMs: rounded(median(values)),
      p90Ms: rounded(percentile(values, 0.9)),
      ofNode: rounded(median(values) / node),
    }));
}

function partOf(name: string): string {
  return `${name} (start-up)`;
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
      socket.on("error", () => {}); // The client is ended once its first byte is here.
    });
  }

  async firstByte(dial: Dial, place: Place): Promise<number> {
    const { command, env = process.env } = dial((this.#server.address() as AddressInfo).port, place);
    const [file, ...args] = command;
    const start = performance.now();
    const child = spawn(file, args, { env, cwd: place.directory, stdio: ["pipe", "pipe", "pipe"] });
    child.stdout.resume();
    let said = "";
    child.stderr.on("data", (part) => {
      said += part;
    });
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#onByte = () => resolve(performance.now() - start);
        timer = setTimeout(() => reject(new Error("no byte came")), FIRST_BYTE_MS);
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`it ended with ${code}: ${said.trim()}`)));
      });
    } finally {
      clearTimeout(timer);
      // Not SIGKILL at once: the compiled code of the warm-up runs is kept at a proper end, as in daily use.
      child.kill("SIGTERM");
      const killing = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await gone;
      clearTimeout(killing);
    }
  }

  close(): void {
    this.#server.close();
  }
}
