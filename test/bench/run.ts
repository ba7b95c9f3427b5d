// `npm run bench`: measures, prints a table and writes JSON.
//   npm run bench -- [--only start-up|transfer|latency|ssh-port|idle]… [--out FILE]

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/stack.ts";
import { type IdleCost, measureIdleCost } from "./idle-cost.ts";
import { type Latency, measureLatency } from "./latency.ts";
import { describeMachine } from "./machine.ts";
import { measureSshPortLoad, type SshPortLoad } from "./ssh-port-load.ts";
import { measureStartUp, type StartUp } from "./start-up.ts";
import { measureTransfers, type Transfer } from "./transfer.ts";

const PARTS = ["start-up", "transfer", "latency", "ssh-port", "idle"] as const;

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, out: { type: "string" } },
});
const wanted = values.only ?? PARTS;
const unknown = wanted.find((part) => !PARTS.some((known) => known === part));
if (unknown !== undefined) {
  process.stderr.write(`--only takes ${PARTS.join(", ")}, not ${unknown}\n`);
  process.exit(2);
}

await buildAll();
const machine = describeMachine();
const result: {
  machine: typeof machine;
  startUp?: StartUp;
  transfers?: Transfer[];
  latency?: Latency[];
  sshPort?: SshPortLoad;
  idle?: IdleCost;
} = {
  machine,
};
if (wanted.includes("start-up")) result.startUp = await inDirectory(measureStartUp);
if (wanted.includes("idle")) result.idle = await inDirectory(measureIdleCost);
if (wanted.includes("latency")) result.latency = await inDirectory(measureLatency);
if (wanted.includes("ssh-port")) result.sshPort = await inDirectory(measureSshPortLoad);
if (wanted.includes("transfer")) result.transfers = await inDirectory(measureTransfers);

process.stdout.write(
  `${Object.entries(machine)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n")}\n`,
);
if (result.startUp !== undefined) {
  const { rounds, nodeMs, httpMs, httpRatio, httpsMs, httpsRatio } = result.startUp;
  heading(`Companion from spawn to its first byte on the wire, median of ${rounds}`);
  console.table({
    "node -e 0": { ms: nodeMs, ratio: 1 },
    "tunnel http://…": { ms: httpMs, ratio: httpRatio },
    "tunnel https://…": { ms: httpsMs, ratio: httpsRatio },
  });
}
if (result.idle !== undefined) {
  heading(`Gateway's resident memory for each of ${result.idle.count}, idle`);
  console.table({
    "registered host": { KiB: result.idle.kibPerHost },
    "open tunnel": { KiB: result.idle.kibPerTunnel },
  });
}
if (result.transfers !== undefined) {
  heading("scp of 1 GiB; CPU in seconds per GB");
  console.table(
    result.transfers.map(({ path, direction, cipher, megabytesPerSecond, cpu }) => {
      return { path, direction, cipher, "MB/s": megabytesPerSecond, ...cpu };
    }),
  );
}
if (result.latency !== undefined) {
  heading("Time of `ssh … true`, and of one byte there and back");
  console.table(
    result.latency.map(({ path, connectMs, echoP50Ms, echoP99Ms }) => ({
      path,
      "connect ms": connectMs,
      "echo p50 ms": echoP50Ms,
      "echo p99 ms": echoP99Ms,
    })),
  );
}
if (result.sshPort !== undefined) {
  const { handshakesPerCpuSecond, signInMs, memoryKiB } = result.sshPort;
  heading("The gateway's SSH port under load");
  console.table({
    "key exchanges per second of CPU": { value: handshakesPerCpuSecond },
    "sign-in, idle, ms": { value: signInMs.idle },
    "sign-in under attack, ms": { value: signInMs.underAttack },
    ratio: { value: signInMs.ratio },
    "tries dropped early under attack": { value: signInMs.refused },
    "KiB resident after 600 connections": { value: memoryKiB.after600 },
    "KiB resident after 1,600 connections": { value: memoryKiB.after1600 },
  });
}
const out = resolve(values.out ?? join(ROOT, "test", "bench", "result.json"));
writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`\nwritten to ${out}\n`);

function heading(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

async function inDirectory<T>(measure: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  try {
    return await measure(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
