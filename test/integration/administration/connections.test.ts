// Who is connected to a workspace: what its owner sees and ends, and what somebody sees whom it is shared with.

import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import type { ConnectionInfo } from "../../../protocol/admin-api.ts";
import { parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { finished, SshStack, type TestAccount } from "../../support/ssh/gateway-ssh.ts";

let stack: SshStack;
let ada: TestAccount;
let bob: TestAccount;

beforeEach(async () => {
  stack = await SshStack.start();
  ada = await stack.account("ada");
  bob = await stack.account("bob");
  await stack.host(ada, "dev");
  await acceptedShare(stack.gateway.store, await stack.owned(ada, "dev"), "bob");
});
afterEach(() => stack.close());

async function call(method: string, path: string, token: string) {
  const response = await fetch(`${stack.gateway.httpUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

async function list(token: string, ref = "dev"): Promise<ConnectionInfo[]> {
  const answer = await call("GET", `/workspaces/${ref}/connections`, token);
  expect(answer.status).toBe(200);
  expect(answer.body.more).toBe(false);
  return answer.body.connections;
}

async function tunnel(ref: string, token: string) {
  const target = {
    gateway: parseGatewayUrl(stack.gateway.httpUrl),
    workspace: parseWorkspaceRef(ref),
    token,
  };
  return await dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(20_000));
}

test("The owner sees tunnels, SSH sessions, jumps and owner tokens; somebody else only their own", async () => {
  const [adaKey, bobKey] = [await stack.keyOf(ada, "a"), await stack.keyOf(bob, "b")];
  stack.configure(["Host dev", `  IdentityFile ${adaKey}`, "Host gw", `  IdentityFile ${bobKey}`]);
  const minted = await stack.ownerToken(ada, "dev");
  const direct = stack.start(["dev.ada@gw", "exec sleep 600"]);
  await expect.poll(async () => (await list(ada.token)).length).toBe(1);
  const byToken = await tunnel("dev.ada", minted.token);
  const own = await tunnel("dev", ada.token);
  stack.configure(["Host *", `  IdentityFile ${adaKey}`]);
  const jump = stack.start(["-J", "gw", "dev", "exec sleep 600"]);
  await expect.poll(async () => (await list(ada.token)).length).toBe(4);
  const all = await list(ada.token);
  const shown = all.map(({ how, account, mine, key, token }) => ({
    how,
    account,
    mine,
    by: key === null ? (token === minted.info.id ? "owner token" : "token") : "key",
  }));
  expect(shown).toEqual([
    { how: "jump", account: "ada", mine: true, by: "key" },
    { how: "tunnel", account: "ada", mine: true, by: "token" },
    { how: "tunnel", account: null, mine: false, by: "owner token" },
    { how: "ssh", account: "bob", mine: false, by: "key" },
  ]);
  for (const { address, since } of all) {
    expect(address).toBe("127.0.0.1");
    expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(60_000);
  }
  const bobs = await list(bob.token, "dev.ada");
  expect(bobs).toEqual([{ ...all[3], mine: true }]);

  // Bob ends none of the others, the owner ends each.
  for (const { id } of all.slice(0, 3)) {
    expect((await call("DELETE", `/workspaces/dev.ada/connections/${id}`, bob.token)).status).toBe(404);
  }
  expect((await call("DELETE", `/workspaces/dev.ada/connections/${bobs[0]?.id}`, bob.token)).status).toBe(
    204,
  );
  expect((await finished(direct)).stderr).toContain("the connection was ended at the gateway");
  for (const [index, socket] of [byToken, own].entries()) {
    const closed = once(socket, "close");
    socket.resume();
    const { id } = all[2 - index] ?? {};
    expect((await call("DELETE", `/workspaces/dev/connections/${id}`, ada.token)).status).toBe(204);
    expect((await closed)[0]).toBe(4002);
  }
  expect((await call("DELETE", `/workspaces/dev/connections/${all[0]?.id}`, ada.token)).status).toBe(204);
  expect(await finished(jump)).toMatchObject({ code: 255 });
  // The gateway keeps a tunnel on the list until both of its ends have closed.
  await expect.poll(() => list(ada.token)).toEqual([]);
  expect((await call("DELETE", `/workspaces/dev/connections/${all[0]?.id}`, ada.token)).status).toBe(404);
  const ended = await stack.audit("connection.ended");
  expect(ended.map(({ account, detail }) => `${account} ${detail}`).sort()).toEqual([
    "ada jump",
    "ada tunnel",
    "ada tunnel",
    "bob ssh",
  ]);
});

test("Somebody whom a workspace is not shared with learns nothing of it, nor does a weak token", async () => {
  const eve = await stack.account("eve");
  const [one] = [await tunnel("dev", ada.token)];
  const [{ id } = { id: "" }] = await list(ada.token);
  const workspace = await stack.owned(ada, "dev");
  for (const ref of ["dev", "dev.ada", workspace.id]) {
    for (const [method, path] of [
      ["GET", `/workspaces/${ref}/connections`],
      ["DELETE", `/workspaces/${ref}/connections/${id}`],
    ] as const) {
      const answer = await call(method, path, eve.token);
      expect([answer.status, answer.body.code], `${method} ${ref}`).toEqual([404, "workspace_unknown"]);
    }
  }
  // An id in the place of a name, with the wrong owner.
  expect((await call("GET", `/workspaces/${workspace.id}.eve/connections`, ada.token)).status).toBe(400);
  expect((await list(ada.token)).length).toBe(1);
  one.terminate();
});

test("A key's last sign-in by SSH is noted, with the address", async () => {
  const key = await stack.keyOf(ada, "a");
  stack.configure(["Host *", `  IdentityFile ${key}`]);
  const [before] = (await call("GET", "/keys", ada.token)).body;
  expect([before.lastUsedAt, before.lastUsedFrom]).toEqual([null, null]);
  expect(await finished(stack.start(["dev@gw", "true"]))).toMatchObject({ code: 0 });
  await expect
    .poll(async () => (await call("GET", "/keys", ada.token)).body[0])
    .toMatchObject({ lastUsedAt: expect.any(String), lastUsedFrom: "127.0.0.1" });
});
