// What tunnels cost while nothing goes through them: the server's resident memory and CPU, and how long one more
// connection takes beside them. Sallyport's hosts and companions are one process that plays them all, so its row is the
// gateway's; a peer's client is one process for all of its connections anyway.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { lastLines } from "../../support/programs/program.ts";
import type { Certificate } from "../certificate.ts";
import { startTarget } from "../load/target.ts";
import { type Connection, echo } from "../load/traffic.ts";
import type { Skipped } from "../places.ts";
import { treeCpuSeconds, treeResidentKiB } from "../process-usage.ts";
import { startProcess } from "../running-process.ts";
import { median, rounded } from "../statistics.ts";
import type { Place, Running, Subject } from "../subjects/subject.ts";

export interface IdlePlan {
  /** Ascending. */
  readonly counts: readonly number[];
  /** Over which the CPU is counted beside the most of them: a whole period of keep-alives fits. */
  readonly watchSeconds: number;
  readonly newConnections: number;
}

export interface IdleRow {
  readonly name: string;
  readonly tunnels: number;
  /** Resident, of the server's side, for each tunnel beyond what it has without. */
  readonly serverKiBPerTunnel: number;
  /** Percent of one core. */
  readonly serverCpuPercent: number;
  /** One connection more, opened and used once: medians with no tunnel and with all. */
  readonly newConnectionMs: number;
  readonly newConnectionIdleMs: number;
  readonly ratio: number;
}

const LOAD = fileURLToPath(new URL("../load/idle-tunnels.ts", import.meta.url));
/** So many come first and are not counted: they warm up what all share. */
const WARM_UP = 100;
const AT_ONCE = 32;

/** Opens idle tunnels; they stay until it is closed. */
interface Opener {
  open(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function measureIdle(
  subjects: readonly Subject[],
  plan: IdlePlan,
  context: { directory: string; certificate: Certificate; skipped: Skipped; say(text: string): void },
): Promise<IdleRow[]> {
  const target = await startTarget();
  const rows: IdleRow[] = [];
  try {
    for (const subject of subjects) {
      context.say(subject.name);
      const directory = join(context.directory, `idle-${subject.name.replaceAll(/\W+/g, "-")}`);
      mkdirSync(directory, { mode: 0o700 });
      const { certificate } = context;
      const place = { directory, target: target.port, listen: "127.0.0.1", reach: "127.0.0.1", certificate };
      try {
        rows.push(...(await measureOne(subject, place, plan)));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        context.skipped.set(`${subject.name} (idle)`, `failed: ${why}`);
      }
    }
  } finally {
    await target.stop();
  }
  return rows;
}

async function measureOne(subject: Subject, place: Place, plan: IdlePlan): Promise<IdleRow[]> {
  const running = await subject.start(place);
  const opener =
    subject.program === "sallyport" ? await gatewayOpener(running, place) : connectionOpener(running);
  try {
    await opener.open(WARM_UP);
    await newConnections(running, WARM_UP);
    const newConnectionIdleMs = await newConnections(running, plan.newConnections);
    const empty = await settled(running);
    const rows: IdleRow[] = [];
    let open = 0;
    for (const tunnels of plan.counts) {
      await opener.open(tunnels - open);
      open = tunnels;
      const full = await settled(running);
      const watched = tunnels === plan.counts.at(-1) ? plan.watchSeconds : 2;
      const cpu = treeCpuSeconds(running.serverPids());
      await pass(watched * 1000);
      const used = treeCpuSeconds(running.serverPids()) - cpu;
      const newConnectionMs = await newConnections(running, plan.newConnections);
      rows.push({
        name: subject.name,
        tunnels,
        serverKiBPerTunnel: rounded((full - empty) / tunnels),
        serverCpuPercent: rounded((used / watched) * 100),
        newConnectionMs: rounded(newConnectionMs),
        newConnectionIdleMs: rounded(newConnectionIdleMs),
        ratio: rounded(newConnectionMs / newConnectionIdleMs),
      });
    }
    return rows;
  } finally {
    await opener.close();
    await running.stop();
  }
}

/** @throws Error where the load ends by itself */
async function gatewayOpener(running: Running, { directory, certificate }: Place): Promise<Opener> {
  const { idleLoad } = running;
  if (idleLoad === undefined) throw new Error("this subject has no gateway to load");
  const { child, stop, logFile } = await startProcess(
    [process.execPath, LOAD, idleLoad.gateway, idleLoad.tokenFile],
    {
      logFile: join(directory, "load.log"),
      cwd: directory,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.authority },
      stdio: ["pipe", "pipe"],
    },
  );
  if (child.stdout === null) throw new Error("no output of the load");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    open: async (count) => {
      child.stdin?.write(`${count}\n`);
      const { done } = await lines.next();
      if (done === true) throw new Error(`the load ended: ${lastLines(logFile, 15)}`);
    },
    close: stop,
  };
}

function connectionOpener(running: Running): Opener {
  const held: Connection[] = [];
  const one = async (): Promise<void> => {
    const connection = await running.connect();
    await echo(connection, 1);
    held.push(connection);
  };
  return {
    open: async (count) => {
      for (let left = count; left > 0; left -= AT_ONCE) {
        await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, one));
      }
    },
    close: async () => {
      for (const connection of held) await connection.close();
    },
  };
}

/** One after the other; milliseconds, the median. */
async function newConnections(running: Running, count: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const connection = await running.connect();
    await echo(connection, 1);
    times.push(performance.now() - start);
    await connection.close();
  }
  return median(times);
}

/** The server's resident memory, KiB, once it has stayed within 0.5 % for three seconds, or after 10 s as it is. */
async function settled(running: Running): Promise<number> {
  const samples: number[] = [];
  for (let second = 0; second < 10; second++) {
    await pass(1000);
    samples.push(treeResidentKiB(running.serverPids()));
    const last = samples.slice(-4);
    if (last.length === 4 && Math.max(...last) - Math.min(...last) < Math.max(...last) * 0.005) break;
  }
  return samples.at(-1) ?? 0;
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
