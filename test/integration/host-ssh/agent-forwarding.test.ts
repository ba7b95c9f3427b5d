import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, makeKey, startHost } from "../../support/ssh/host-ssh.ts";
import { startAgent } from "../../support/ssh/ssh-agent.ts";
import { until } from "../../support/until.ts";

let host: Host;
let agent: { socket: string; stop(): void };
beforeAll(async () => {
  host = await startHost();
  const socket = join(host.directory, "agent.sock");
  const key = join(host.directory, "agent_key");
  makeKey(key, ["-t", "ed25519"]);
  const child = await startAgent(socket, key);
  agent = { socket, stop: () => void child.kill() };
});
afterAll(async () => {
  agent.stop();
  await host.stop();
});

const withAgent = () => ["-o", `IdentityAgent ${agent.socket}`, "-o", "ForwardAgent yes"];

describe("the client's agent", () => {
  test("is reached through a socket that only its user can use, and that is removed with the connection", async () => {
    const child = host.start([...withAgent(), "ws", "ssh-add -L; echo $SSH_AUTH_SOCK; cat"]);
    let output = "";
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
    });
    const [, key, path = ""] = await until(() => /^(ssh-ed25519 \S+).*\n(\/\S+)\n/.exec(output) ?? undefined);
    const expected = execFileSync("cut", ["-d ", "-f1,2", join(host.directory, "agent_key.pub")]);
    expect(key).toBe(expected.toString().trim());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    child.stdin?.end();
    await until(() => !existsSync(dirname(path)));
  });

  test("signs, several times at once", async () => {
    const result = await host.ssh([
      ...withAgent(),
      "ws",
      "k=$(mktemp); ssh-add -L >$k; for i in 1 2 3 4; do echo data | ssh-keygen -q -Y sign -n test -f $k & done; wait; rm $k",
    ]);
    expect(result.stdout.toString().match(/BEGIN SSH SIGNATURE/g)).toHaveLength(4);
  });

  test("is not offered unless the client asks for it and its key allows it", async () => {
    expect((await host.ssh(["ws", 'echo "<$SSH_AUTH_SOCK>"'])).stdout.toString()).toBe("<>\n");
    const restricted = await startHost({ permissions: { agentForwarding: false } });
    try {
      const result = await restricted.ssh([...withAgent(), "ws", 'echo "<$SSH_AUTH_SOCK>"']);
      expect(result.stdout.toString()).toBe("<>\n");
    } finally {
      await restricted.stop();
    }
  });

  describe("where the directories of the host's login are gone", () => {
    let login: { readonly host: Host; readonly runtime: string };
    beforeAll(async () => {
      const runtime = mkdtempSync(join(tmpdir(), "runtime-"));
      const environment = { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtime, TMPDIR: runtime };
      login = { host: await startHost({ environment }), runtime };
    });
    afterAll(async () => {
      await login.host.stop();
      rmSync(login.runtime, { recursive: true, force: true });
    });
    const LIST = 'ssh-add -L >/dev/null && echo "$SSH_AUTH_SOCK|$XDG_RUNTIME_DIR|$TMPDIR"';
    const list = async (...options: string[]) =>
      (await login.host.ssh([...withAgent(), ...options, "ws", LIST])).stdout.toString().trim().split("|");

    test("is reached through a different one, and sessions do not get the variables of the dead ones", async () => {
      const { runtime } = login;
      const [socket, ...given] = await list();
      expect(socket?.startsWith(`${runtime}/`)).toBe(true);
      expect(given).toEqual([runtime, runtime]);
      rmSync(runtime, { recursive: true });
      const [elsewhere, ...none] = await list();
      expect(elsewhere).toMatch(/^\//);
      expect(elsewhere?.startsWith(runtime)).toBe(false);
      expect(none).toEqual(["", ""]);
    });

    test("is reached again on a connection that has lost its socket", async () => {
      const { host: other, runtime } = login;
      mkdirSync(runtime, { recursive: true });
      const control = join(other.directory, "m");
      other.start([...withAgent(), "-M", "-S", control, "-N", "ws"]);
      await until(async () => (await other.ssh(["-S", control, "-O", "check", "ws"])).code === 0);
      const [first = ""] = await list("-S", control);
      expect(first.startsWith(runtime)).toBe(true);
      rmSync(runtime, { recursive: true });
      const [second = ""] = await list("-S", control);
      expect(second).toMatch(/^\//);
      expect(second.startsWith(runtime)).toBe(false);
    });
  });
});
