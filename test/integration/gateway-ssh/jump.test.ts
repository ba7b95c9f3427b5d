// `ssh -J gateway workspace`, and what else a connection to the gateway may do.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { LONG } from "../../support/long.ts";
import { SshStack, type TestAccount, type TestHost } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";
import { PATIENT } from "./admission-limits.ts";

let stack: SshStack;
let ada: TestAccount;
let id: string;
let host: TestHost;

beforeAll(async () => {
  stack = await SshStack.start({ limits: { admission: PATIENT } });
  ada = await stack.account("ada");
  id = await stack.keyOf(ada, "id");
  host = await stack.host(ada, "dev");
  await stack.host(ada, "closed", ["--end-to-end-only"]);
  await (await stack.host(ada, "away")).stop();
  await stack.host(await stack.account("bob"), "bobs");
  stack.configure(["Host *", `  IdentityFile ${id}`]);
});
afterAll(() => stack.close());

describe("a jump", () => {
  test("ends at the host's SSH server, whose key is checked end to end", async () => {
    const result = await stack.ssh(["-J", "gw", "dev", "echo in; exit 3"]);
    expect(result).toMatchObject({ stdout: "in\n", code: 3 });
    const [closed] = await until(async () => {
      const lines = await stack.audit("ssh.forward.closed");
      return lines.length > 0 && lines;
    });
    expect(closed).toMatchObject({ account: "ada", workspace: host.id, address: "127.0.0.1" });
    expect(closed?.bytes_in).toBeGreaterThan(1000);
    expect(closed?.bytes_out).toBeGreaterThan(1000);
    expect(await stack.audit("ssh.session.opened")).toEqual([]);
  });

  test("does not connect when the host key is wrong", async () => {
    const result = await stack.ssh(["-J", "gw", "-o", "HostKeyAlias=bobs", "dev", "echo in"]);
    expect(result).toMatchObject({ stdout: "", code: 255 });
  });

  test.each(["dev@gw", "dev.ada@gw", "closed@gw", "not-a-workspace@gw"])(
    "works with the jump host %s",
    async (gateway) => {
      expect(await stack.ssh(["-J", gateway, "dev", "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
    },
  );

  test("accepts the id of a workspace", async () => {
    expect(await stack.ssh(["-J", "gw", host.id, "echo in"])).toMatchObject({ stdout: "in\n", code: 0 });
  });

  test("carries 50 MB in each direction unchanged, with an end of input in between", LONG, async () => {
    const data = randomBytes(1024 * 1024)
      .toString("base64")
      .repeat(36);
    const sent = await stack.ssh(["-J", "gw", "dev", "sha256sum"], { input: data });
    expect(sent.stdout).toContain(createHash("sha256").update(data).digest("hex"));
    const got = await stack.ssh(["-J", "gw", "dev", "head -c 50000000 /dev/zero | tr '\\0' x"]);
    expect(got.stdout.length).toBe(50_000_000);
  });

  test("reaches only the one workspace of an owner token", async () => {
    const { token } = await stack.ownerToken(ada, "dev");
    const jump = (workspace: string) =>
      stack.ssh([...["-o", "IdentityFile=none", "-W", `${workspace}:22`], "-l", `dev#${token}`, "gw"]);
    expect((await jump("dev")).stdout).toMatch(/^SSH-2\.0-/);
    expect((await jump("closed")).stdout).toBe("");
  });
});

describe("a connection that only jumps", () => {
  const refused = async (args: readonly string[], reason: string) => {
    const result = await stack.ssh(args);
    expect(result.stdout).toBe("");
    expect(result.code).toBe(255);
    expect(result.stderr).toContain(reason);
  };

  test("gets no session", () => refused(["gw", "echo in"], "this connection only jumps to workspaces"));
  test("reaches only port 22 of a workspace", () =>
    refused(["-W", "dev:23", "gw"], "only port 22 of a workspace can be reached"));
  test("does not reach the gateway's own machine", () =>
    refused(["-W", "127.0.0.1:22", "gw"], "there is no workspace 127.0.0.1 for you here"));
  test("does not reach another account's workspace, and is told the same as if there were none", async () => {
    await refused(["-W", "bobs:22", "gw"], "there is no workspace bobs for you here");
    await refused(["-W", "bobs.bob:22", "gw"], "there is no workspace bobs.bob for you here");
    await refused(["-W", "none.bob:22", "gw"], "there is no workspace none.bob for you here");
  });
  test("is told that a workspace of its own account is offline", () =>
    refused(["-W", "away:22", "gw"], "the workspace away is offline"));
  test("gets no remote forwarding", async () => {
    const args = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9", "gw"];
    await refused(args, "remote port forwarding failed");
  });

  test("leaves a line in the audit log for a refused channel", async () => {
    const before = (await stack.audit("ssh.forward.refused")).length;
    await stack.ssh(["-W", "bobs.bob:22", "gw"]);
    const [line] = (await stack.audit("ssh.forward.refused")).slice(before);
    expect(line).toMatchObject({ account: "ada", code: "workspace_unknown" });
    expect(line?.detail).toContain("bobs.bob");
  });

  test("has at most 256 channels at a time", async () => {
    const client = new ssh2.Client();
    await new Promise<void>((resolve, reject) => {
      client.once("ready", () => resolve()).once("error", reject);
      client.connect({
        host: "127.0.0.1",
        port: stack.port,
        username: "jump",
        privateKey: readFileSync(id),
      });
    });
    // All of them wait for their answer until the last one has arrived.
    const { store } = stack.gateway;
    const resolve = store.resolveWorkspace.bind(store);
    let asked = 0;
    let release = (): void => undefined;
    const released = new Promise<void>((all) => {
      release = all;
    });
    const looking = vi.spyOn(store, "resolveWorkspace").mockImplementation(async (...args) => {
      if (++asked === 256) release();
      await released;
      return await resolve(...args);
    });
    onTestFinished(() => looking.mockRestore());
    const reasons = await Promise.all(
      Array.from(
        { length: 300 },
        () =>
          new Promise<number>((resolve) => {
            client.forwardOut("127.0.0.1", 1, "none", 22, (error) => {
              resolve(error !== undefined && "reason" in error ? Number(error.reason) : 0);
            });
          }),
      ),
    );
    client.end();
    // 1: administratively prohibited, 4: resource shortage (RFC 4254 §5.1).
    // Channels that were opened while 256 others waited for their answer.
    expect(reasons.filter((reason) => reason === 4).length).toBeGreaterThan(0);
    expect(reasons.filter((reason) => reason === 1).length).toBeGreaterThanOrEqual(256);
  });
});

describe("a connection whose user name is a workspace", () => {
  test("is relayed to that workspace's host, even if the first request is a forward", async () => {
    const server = createServer((socket) => socket.end("from behind\n"));
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    try {
      const result = await stack.ssh(["-W", `127.0.0.1:${port}`, "dev@gw"]);
      expect(result.stdout).toBe("from behind\n");
    } finally {
      server.close();
    }
  });

  test("is told to jump if the workspace takes end-to-end connections only", async () => {
    const result = await stack.ssh(["closed@gw", "echo in"]);
    expect(result).toMatchObject({ stdout: "", code: 255 });
    expect(result.stderr).toContain(
      `closed takes end-to-end connections only: ssh -J 127.0.0.1:${stack.port} closed`,
    );
    expect((await stack.ssh(["-J", "gw", "closed", "echo in"])).stdout).toBe("in\n");
  });
});
