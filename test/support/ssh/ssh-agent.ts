// The system's own ssh-agent, for tests that want one.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { connect } from "node:net";
import { vi } from "vitest";

/** An agent at the socket that holds these private keys. The caller ends it. */
export async function startAgent(socket: string, ...keys: readonly string[]): Promise<ChildProcess> {
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    // A socket has its path a moment before it can be connected to.
    await vi.waitUntil(() => isListening(socket), { timeout: 30_000 });
    const env = { PATH: process.env.PATH, SSH_AUTH_SOCK: socket };
    for (const key of keys) execFileSync("ssh-add", ["-q", key], { env, stdio: "ignore" });
    return agent;
  } catch (error) {
    agent.kill();
    throw error;
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}
