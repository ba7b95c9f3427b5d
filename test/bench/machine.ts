// The machine that the figures were measured on.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, release, totalmem } from "node:os";
import manifest from "../../package.json" with { type: "json" };

export function describeMachine(): Record<string, string | number | boolean> {
  const ssh = spawnSync("ssh", ["-V"], { encoding: "utf8" });
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    sallyport: manifest.version,
    node: process.version,
    openssh: ssh.stderr.trim(),
    ssh2NativeCrypto: hasNativeCrypto(),
  };
}

/**
 * How much of the CPU time that this machine had a use for went to others on the same hardware, in percent, from now until
 * the returned function is called. Above a few percent the milliseconds and MB/s are theirs as well.
 */
export function watchStolenTime(): () => number {
  const before = cpuTicks();
  return () => {
    const after = cpuTicks();
    const stolen = after.stolen - before.stolen;
    const wanted = after.used - before.used + stolen;
    return wanted === 0 ? 0 : Math.round((1000 * stolen) / wanted) / 10;
  };
}

/** Ticks of all cores since the machine started (proc(5), /proc/stat). */
function cpuTicks(): { readonly used: number; readonly stolen: number } {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { used: user + nice + system + irq + softirq, stolen };
}

function hasNativeCrypto(): boolean {
  const loaded: unknown = createRequire(import.meta.url)("ssh2/lib/protocol/crypto.js");
  return (
    typeof loaded === "object" &&
    loaded !== null &&
    "bindingAvailable" in loaded &&
    loaded.bindingAvailable === true
  );
}
