// Plain OpenSSH where port 22 is open: `ssh -L` to an sshd, and the same under autossh, which restarts ssh when it
// ends. One SSH connection for all, with the ciphers that the two programs agree on by themselves.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/loopback.ts";
import { startOpenSshServer } from "../openssh-server.ts";
import { portForward } from "./port-forward.ts";
import { findProgram, requireProgram, type Subject } from "./subject.ts";

export function openSsh(program: "ssh" | "autossh"): Subject {
  const flags = program === "autossh" ? ["-M", "0"] : [];
  return {
    name: program === "ssh" ? "OpenSSH -L" : "autossh -L",
    program,
    transport: "ssh",
    missing: () =>
      [program, "sshd"]
        .map((name) => (findProgram(name) === undefined ? `no ${name} on PATH` : undefined))
        .find(Boolean),
    version: () =>
      program === "ssh"
        ? spawnSync("ssh", ["-V"], { encoding: "utf8" }).stderr.trim()
        : spawnSync(requireProgram("autossh"), ["-V"], { encoding: "utf8" }).stdout.trim(),
    async start({ directory, target, listen, reach }) {
      mkdirSync(directory, { recursive: true });
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, "id_ed25519")]);
      const sshd = await startOpenSshServer(directory, { listen, reach });
      if (sshd === undefined) throw new Error("no sshd");
      const local = await freePort();
      const forward = ["-N", "-F", sshd.sshConfig, "-L", `127.0.0.1:${local}:127.0.0.1:${target}`, "sshd"];
      const command = [requireProgram(program), ...flags, ...forward] as const;
      const env = { ...process.env, AUTOSSH_GATETIME: "0" };
      return await portForward(sshd, { command, port: local, env }, directory);
    },
    ...(program === "ssh"
      ? {
          dial: (port: number) => ({
            command: ["ssh", "-F", "/dev/null", "-p", String(port), "bench@127.0.0.1", "true"] as const,
          }),
        }
      : {}),
  };
}
