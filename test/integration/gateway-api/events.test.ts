import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { WorkspaceLink } from "../../../gateway/link/link.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { type TestGateway, testGateway } from "../../support/test-gateway.ts";

/** Reads an event stream. `next` waits for the next event, and returns undefined at the end of the stream. */
async function follow(gateway: TestGateway, token: string) {
  const response = await gateway.send("GET", "/api/v1/events", token);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error("no body");
  let text = "";
  return {
    cancel: () => reader.cancel(),
    next: async () => {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end === -1) {
          const { value, done } = await reader.read();
          if (done) return undefined;
          text += value;
          continue;
        }
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const type = /^event: (.*)$/m.exec(block)?.[1];
        if (type !== undefined) return { type, ...JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "") };
      }
    },
  };
}

/** The parts of a link that the registry uses. */
function fakeLink(workspaceId: WorkspaceId): WorkspaceLink {
  const link: Partial<WorkspaceLink> & EventEmitter = Object.assign(new EventEmitter(), {
    workspaceId,
    since: new Date(),
    streams: 0,
    close: () => undefined,
  });
  return link as unknown as WorkspaceLink;
}

test("the stream starts with a snapshot, then follows links, names, shares and removals", async () => {
  const gateway = await testGateway();
  const { call, account, workspace } = gateway;
  const { registry } = gateway.gateway;
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await workspace(ada.token, "box");

  const own = await follow(gateway, ada.token);
  const other = await follow(gateway, bob.token);
  expect(await own.next()).toMatchObject({
    type: "snapshot",
    workspaces: [{ id: box.id, name: "box", online: false }],
  });
  expect(await other.next()).toEqual({ type: "snapshot", workspaces: [] });

  const link = fakeLink(box.id);
  registry.claim(link);
  expect(await own.next()).toMatchObject({ type: "workspace", workspace: { id: box.id, online: true } });
  await call("PATCH", "/workspaces/box", ada.token, { name: "crate" });
  expect(await own.next()).toMatchObject({ type: "workspace", workspace: { name: "crate", online: true } });
  registry.release(link, "left");
  expect(await own.next()).toMatchObject({ type: "workspace", workspace: { online: false } });

  await call("POST", "/workspaces/crate/shares", ada.token, { account: "bob" });
  const offer = { id: box.id, name: "crate", owner: "ada", pending: true };
  expect(await other.next()).toMatchObject({ type: "offers", offers: [offer] });
  const late = await follow(gateway, bob.token);
  expect(await late.next()).toEqual({ type: "snapshot", workspaces: [] });
  expect(await late.next()).toMatchObject({ type: "offers", offers: [offer] });
  await late.cancel();
  await call("POST", `/shares/${box.id}/accept`, bob.token);
  // The order of the two is not specified.
  expect([await other.next(), await other.next()]).toEqual(
    expect.arrayContaining([
      { type: "offers", offers: [] },
      expect.objectContaining({
        type: "workspace",
        workspace: expect.objectContaining({ id: box.id, owner: "ada", mine: false }),
      }),
    ]),
  );
  await call("DELETE", "/workspaces/crate/shares/bob", ada.token);
  expect([await other.next(), await other.next()]).toEqual(
    expect.arrayContaining([
      { type: "workspace-removed", id: box.id },
      { type: "offers", offers: [] },
    ]),
  );

  await call("DELETE", "/workspaces/crate", ada.token);
  for (let event = await own.next(); event?.type !== "workspace-removed"; event = await own.next()) {
    expect(event?.type).toBe("workspace");
  }
  const second = await workspace(ada.token, "second");
  expect(await own.next()).toMatchObject({ type: "workspace", workspace: { id: second.id } });
  await own.cancel();
  await other.cancel();
});

test("the stream ends when its token is revoked, and when its account is disabled", async () => {
  const gateway = await testGateway();
  const { call, admin, account } = gateway;
  const ada = await account("ada");
  const minted = await call("POST", "/tokens", ada.token, { title: "x", scopes: ["connect"] });
  const first = await follow(gateway, minted.body.token);
  const second = await follow(gateway, ada.token);
  await first.next();
  await second.next();
  const started = performance.now();
  await call("DELETE", `/tokens/${minted.body.info.id}`, ada.token);
  expect(await first.next()).toBeUndefined();
  await call("PATCH", `/accounts/${ada.id}`, admin, { disabled: true });
  expect(await second.next()).toBeUndefined();
  // At once, not only with the next heartbeat.
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("an account has at most 16 streams, and a closed one makes room", async () => {
  const gateway = await testGateway();
  const { call, account } = gateway;
  const ada = await account("ada");
  const streams = [];
  for (let i = 0; i < 16; i++) streams.push(await follow(gateway, ada.token));
  expect(await call("GET", "/events", ada.token)).toMatchObject({
    status: 429,
    body: { code: "rate_limited" },
  });
  await streams[0]?.cancel();
  await expect
    .poll(async () => {
      const response = await gateway.send("GET", "/api/v1/events", ada.token);
      await response.body?.cancel();
      return response.status;
    })
    .toBe(200);
  expect(await call("GET", "/events", newAccessToken())).toMatchObject({ status: 401 });
});
