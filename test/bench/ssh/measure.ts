// The parts that are about Sallyport alone, asked for by `--only`: its ways for SSH beside a local sshd, and its workers.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Certificate } from "../certificate.ts";
import { measureWorkers, type WorkersFigure } from "../parts/workers.ts";
import type { Part } from "../plan.ts";
import { type Latency, measureLatency } from "./latency.ts";
import { measureSshPortLoad, type SshPortLoad } from "./ssh-port-load.ts";
import { measureTransfers, type Transfer } from "./transfer.ts";

export interface SshResult {
  transfers?: Transfer[];
  latency?: Latency[];
  sshPort?: SshPortLoad;
  workers?: WorkersFigure[];
}

export async function measureOwn(
  parts: readonly Part[],
  directory: string,
  certificate: Certificate,
): Promise<SshResult> {
  const own = (name: string): string => {
    const path = join(directory, name);
    mkdirSync(path, { mode: 0o700 });
    return path;
  };
  const result: SshResult = {};
  if (parts.includes("ssh-latency")) {
    heading("Time of `ssh … true`, and of one byte there and back");
    result.latency = await measureLatency(own("ssh-latency"));
    console.table(
      result.latency.map(({ path, connectMs, echoP50Ms, echoP99Ms }) => ({
        path,
        "connect ms": connectMs,
        "echo p50 ms": echoP50Ms,
        "echo p99 ms": echoP99Ms,
      })),
    );
  }
  if (parts.includes("ssh-port")) {
    heading("The gateway's SSH port under load");
    result.sshPort = await measureSshPortLoad(own("ssh-port"));
    const { handshakesPerCpuSecond, signInMs, memoryKiB } = result.sshPort;
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
  if (parts.includes("workers")) {
    heading("16 tunnels at once, by workers; capacity: where the busiest process fills a core");
    result.workers = await measureWorkers(own("workers"), certificate);
    console.table(
      result.workers.map(({ transport, workers, ...figure }) => ({
        transport,
        workers,
        "CPU s/GB": figure.cpuPerGigabyte,
        "busiest s/GB": figure.busiestPerGigabyte,
        "primary s/GB": figure.primaryPerGigabyte,
        "capacity MB/s": figure.capacityMegabytesPerSecond,
        ratio: figure.ratio,
        "MB/s, all on one core": figure.oneCoreMegabytesPerSecond,
      })),
    );
  }
  if (parts.includes("scp")) {
    heading("scp of 1 GiB; CPU in seconds per GB");
    result.transfers = await measureTransfers(own("scp"));
    console.table(
      result.transfers.map(({ path, direction, cipher, megabytesPerSecond, cpu }) => {
        return { path, direction, cipher, "MB/s": megabytesPerSecond, ...cpu };
      }),
    );
  }
  return result;
}

function heading(text: string): void {
  process.stdout.write(`\n${text}\n`);
}
