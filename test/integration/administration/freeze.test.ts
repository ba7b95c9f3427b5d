// Freezing a workspace or a key while both are in use: everything ends at once, the host waits, and nothing is lost.

import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseKeyId } from "../../../protocol/values/id.ts";
import { TestStack } from "../../support/link.ts";
import { finished, SshStack, type TestAccount, type TestHost } from "../../support/ssh/gateway-ssh.ts";
import { until } from "../../support/until.ts";

async function call(url: string, method: string, path: string, token: string) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

test("A frozen workspace has neither a link nor clients, and its host comes back once it is unfrozen", async () => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await TestStack.start();
  cleanup.defer(() => stack.close());
  const { token } = await stack.token(await stack.account("ada"), ["host", "connect", "account"]);
  const host = await stack.host({ token });
  const open = await stack.tunnel("dev", token);
  const closed = once(open, "close");
  open.resume();
  const start = performance.now();
  expect((await call(stack.url, "POST", "/workspaces/dev/freeze", token)).status).toBe(204);
  expect((await closed)[0]).toBe(4002);
  expect(performance.now() - start).toBeLessThan(1_000);
  const shown = await call(stack.url, "GET", "/workspaces/dev", token);
  expect(shown.body).toMatchObject({ frozen: true, online: false });
  await expect(stack.tunnel("dev", token)).rejects.toMatchObject({ code: "frozen" });
  // The host is told so, waits, and does not give up.
  await until(() => host.logged.some((line) => line.includes("is frozen")));
  expect(await Promise.race([host.ended, Promise.resolve("still waiting")])).toBe("still waiting");
  // A host that starts now waits as well, and does not take the name.
  const before = host.registrations();
  expect((await call(stack.url, "POST", "/workspaces/dev/freeze", token)).status).toBe(204);
  expect((await call(stack.url, "POST", "/workspaces/dev/unfreeze", token)).status).toBe(204);
  await until(() => host.registrations() > before, 30_000);
  await until(async () => (await call(stack.url, "GET", "/workspaces/dev", token)).body.online === true);
  (await stack.tunnel("dev", token)).terminate();
  const events = (await stack.gateway.store.auditLog.list({ limit: 100, event: "workspace." })).map(
    ({ event }) => event,
  );
  expect(events).toEqual(["workspace.unfrozen", "workspace.frozen", "workspace.created"]);
});

test("Only the owner, and an administrator by its id, freeze a workspace", async () => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await TestStack.start();
  cleanup.defer(() => stack.close());
  const { store } = stack.gateway;
  const ada = await stack.account("ada");
  const { token } = await stack.token(ada, ["host", "connect", "account"]);
  const bob = await stack.token(await stack.account("bob"), ["connect", "account"]);
  const host = await stack.host({ token });
  const owned = await store.workspaces.resolveOwned(
    { kind: "id", id: host.id },
    await store.authenticate(token),
  );
  expect((await call(stack.url, "POST", `/workspaces/${host.id}/freeze`, bob.token)).status).toBe(404);
  await store.shares.add(owned, "bob" as never, { account: "ada" });
  await call(stack.url, "POST", `/shares/${host.id}/accept`, bob.token);
  expect((await call(stack.url, "POST", `/workspaces/${host.id}/freeze`, bob.token)).body.code).toBe(
    "forbidden",
  );
  const admin = stack.gateway.adminToken ?? "";
  // A name is the administrator's own workspace, and never somebody else's.
  expect((await call(stack.url, "POST", "/workspaces/dev/freeze", admin)).status).toBe(404);
  expect((await call(stack.url, "POST", "/workspaces/dev.ada/freeze", admin)).status).toBe(404);
  expect((await call(stack.url, "POST", `/workspaces/${host.id}/freeze`, admin)).status).toBe(204);
  expect((await call(stack.url, "GET", `/workspaces/${host.id}`, token)).body.frozen).toBe(true);
  // The owner may undo it: it protects them. An administrator who does not want that disables the person.
  expect((await call(stack.url, "POST", "/workspaces/dev/unfreeze", token)).status).toBe(204);
});

let ssh: SshStack;
let ada: TestAccount;
let host: TestHost;
let id: string;
beforeEach(async () => {
  ssh = await SshStack.start();
  ada = await ssh.account("ada");
  id = await ssh.keyOf(ada, "id");
  host = await ssh.host(ada, "dev");
  ssh.configure(["Host *", `  IdentityFile ${id}`]);
});
afterEach(() => ssh.close());

async function session(args: readonly string[]) {
  const child = ssh.start([...args, "echo up; exec sleep 60"]);
  let said = "";
  child.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
  });
  const end = finished(child);
  expect(await Promise.race([until(() => said.includes("up")), end])).toBe(true);
  return { ended: end };
}

test("A frozen key ends its sessions, also end to end, and signs nobody in until it is unfrozen", async () => {
  const { ended: direct } = await session(["dev@gw"]);
  const { ended: jump } = await session(["-J", "gw", "dev"]);
  const [key] = await ssh.gateway.store.keys.list(ada.id);
  const actor = { account: "ada" };
  const path = `/keys/${parseKeyId(key?.id)}`;
  expect((await call(ssh.gateway.httpUrl, "POST", `${path}/freeze`, ada.token)).status).toBe(204);
  expect((await direct).stderr).toContain("the key was frozen");
  expect(await jump).toMatchObject({ code: 255 });
  expect((await call(ssh.gateway.httpUrl, "GET", "/keys", ada.token)).body[0].frozen).toBe(true);
  const refused = await finished(ssh.start(["dev@gw", "true"]));
  expect(refused.code).toBe(255);
  expect(refused.stderr).toContain("This key is frozen.");
  expect(await ssh.gateway.store.pushedKeys(host.id)).toEqual([]);
  expect((await call(ssh.gateway.httpUrl, "POST", `${path}/unfreeze`, ada.token)).status).toBe(204);
  expect(await finished(ssh.start(["dev@gw", "true"]))).toMatchObject({ code: 0 });
  expect((await call(ssh.gateway.httpUrl, "GET", "/keys", ada.token)).body[0].frozen).toBeUndefined();
  // Nobody freezes somebody else's key.
  const eve = await ssh.account("eve");
  expect((await call(ssh.gateway.httpUrl, "POST", `${path}/freeze`, eve.token)).status).toBe(404);
  await expect(ssh.gateway.store.freezing.key(eve.id, parseKeyId(key?.id), actor)).rejects.toMatchObject({
    code: "not_found",
  });
});

test("SSH to a frozen workspace says that it is frozen, in both ways", async () => {
  const { ended } = await session(["dev@gw"]);
  expect((await call(ssh.gateway.httpUrl, "POST", "/workspaces/dev/freeze", ada.token)).status).toBe(204);
  expect((await ended).stderr).toContain("the workspace was frozen");
  const direct = await finished(ssh.start(["dev@gw", "true"]));
  expect(direct.stderr).toContain("The workspace dev is frozen");
  const jump = await finished(ssh.start(["-J", "gw", "dev", "true"]));
  expect(jump.stderr).toContain("is frozen");
  await until(() => host.log.some((line) => line.includes("frozen")));
});
