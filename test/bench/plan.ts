// How much is measured: in full, for docs/benchmarks.md, or quickly, to see that everything runs and no figure is absurd.

import type { DelayPlan } from "./parts/delay.ts";
import type { IdlePlan } from "./parts/idle.ts";
import type { TrafficPlan } from "./parts/traffic.ts";
import type { Subject } from "./subjects/subject.ts";

export interface Plan {
  readonly traffic: TrafficPlan;
  readonly delay: DelayPlan;
  readonly idle: IdlePlan;
  readonly startUpRounds: number;
}

export const FULL: Plan = {
  traffic: { rounds: 2, budgetSeconds: 240, size: 2 ** 30, streams: 64, connections: 1_000, echoes: 1_000 },
  delay: {
    settings: [
      { roundTripMs: 50, loss: 0 },
      { roundTripMs: 50, loss: 0.01 },
      { roundTripMs: 150, loss: 0 },
      { roundTripMs: 150, loss: 0.01 },
    ],
    rampSeconds: 2,
    seconds: 2,
  },
  idle: { counts: [1_000, 10_000], watchSeconds: 20, newConnections: 30 },
  startUpRounds: 15,
};

export const QUICK: Plan = {
  traffic: { rounds: 1, budgetSeconds: 240, size: 64 * 2 ** 20, streams: 64, connections: 100, echoes: 200 },
  delay: { settings: [{ roundTripMs: 50, loss: 0 }], rampSeconds: 1, seconds: 1 },
  idle: { counts: [200], watchSeconds: 2, newConnections: 10 },
  startUpRounds: 4,
};

export const PARTS = [
  "start-up",
  "traffic",
  "delay",
  "idle",
  "scp",
  "ssh-latency",
  "ssh-port",
  "workers",
] as const;
export type Part = (typeof PARTS)[number];
/** The others are about Sallyport alone, and are asked for by name. */
export const COMPARED: readonly Part[] = ["start-up", "traffic", "delay", "idle"];

/** With TLS of its own, and behind a proxy that ends it. To an idle gateway raw and resume are the same. */
const IDLE = ["sallyport, wss, raw", "sallyport, ws, raw"];

/** Which subjects a part is about. A long line, or thousands of tunnels, tell nothing more without TLS or under autossh. */
export function takesPart(
  part: Part,
  { name, program, transport, processPerConnection, dial }: Subject,
): boolean {
  if (program === "sallyport" && part === "idle") return IDLE.includes(name);
  switch (part) {
    case "traffic":
      return true;
    case "start-up":
      return dial !== undefined && transport !== "ws" && !name.endsWith("stdio") && !name.includes("resume");
    case "delay":
      return (
        processPerConnection !== true && transport !== "ws" && !["autossh", "websocat"].includes(program)
      );
    default:
      return transport === "wss" && program !== "websocat";
  }
}
