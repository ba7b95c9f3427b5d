// What the figures were measured on.

import { spawnSync } from "node:child_process";
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

function hasNativeCrypto(): boolean {
  const loaded: unknown = createRequire(import.meta.url)("ssh2/lib/protocol/crypto.js");
  return (
    typeof loaded === "object" &&
    loaded !== null &&
    "bindingAvailable" in loaded &&
    loaded.bindingAvailable === true
  );
}
