import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRegistrableKeys } from "../../../agent/client/keys/registrable-keys.ts";
import { startAgent } from "../../support/ssh/ssh-agent.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-registrable-"));
  mkdirSync(join(home, ".ssh"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function makeKey(path: string, comment: string): string {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
  return path;
}

async function found(socket: string): Promise<string[]> {
  const env = { SSH_AUTH_SOCK: socket };
  const keys = await findRegistrableKeys({ platform: process.platform, env, home });
  return keys.map(({ key, from }) => `${key.comment} in ${from}`);
}

test("files come first, then the agent's other keys, each key once and certificates not at all", async () => {
  const file = makeKey(join(home, ".ssh", "id_ed25519"), "file");
  const inAgent = makeKey(join(home, "other"), "agent");
  const authority = makeKey(join(home, "ca"), "ca");
  execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "ada", "-n", "ada", `${inAgent}.pub`]);
  const socket = join(home, "agent.sock");
  // ssh-add loads the certificate beside a key together with it.
  const agent = await startAgent(socket, file, inAgent);
  try {
    const listed = execFileSync("ssh-add", ["-L"], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    expect(String(listed)).toContain("-cert-v01@openssh.com");
    expect(await found(socket)).toEqual([`file in ${file}.pub`, "agent in ssh-agent"]);
  } finally {
    agent.kill();
  }
});

test("an agent that is gone adds nothing", async () => {
  expect(await found(join(home, "gone.sock"))).toEqual([`file in ${join(home, ".ssh", "id_ed25519")}.pub`]);
});
