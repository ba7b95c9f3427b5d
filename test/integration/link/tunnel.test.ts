// Tunnels from end to end: who may open one, and what ends it.

import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { CLOSE } from "../../../protocol/errors.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { newWorkspaceId } from "../../../protocol/values/id.ts";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { echo, TestStack } from "../../support/link.ts";

let stack: TestStack;
beforeEach(async () => {
  stack = await TestStack.start(["--open"]);
});
afterEach(() => stack.close());

const audited = (event: string): string[] => stack.log.filter((line) => line.includes(`"audit":"${event}"`));

describe("a tunnel", () => {
  test("to a workspace that is unknown, someone else's, offline, or without a token says which", async () => {
    const ann = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const ben = await stack.token(await stack.account("ben"), ["host", "connect"]);
    const host = await stack.host({ token: ann.token });
    await expect(stack.tunnel("nope", ann.token)).rejects.toMatchObject({ code: "workspace_unknown" });
    await expect(stack.tunnel("dev", ben.token)).rejects.toMatchObject({ code: "workspace_unknown" });
    await expect(stack.tunnel("dev.ann", ben.token)).rejects.toMatchObject({ code: "workspace_unknown" });
    await expect(stack.tunnel(host.id, ben.token)).rejects.toMatchObject({ code: "workspace_unknown" });
    await expect(stack.tunnel(newWorkspaceId(), undefined)).rejects.toMatchObject({
      code: "workspace_unknown",
    });
    await expect(stack.tunnel(host.id, undefined)).rejects.toMatchObject({ code: "workspace_unknown" });
    await expect(stack.tunnel("dev", undefined)).rejects.toMatchObject({ code: "unauthenticated" });
    await host.stop();
    await expect.poll(() => stack.gateway.registry.size).toBe(0);
    await expect(stack.tunnel("dev", ann.token)).rejects.toMatchObject({
      code: "workspace_offline",
      stage: "workspace",
      message: expect.stringContaining("dev"),
    });
  });

  test("to a workspace without an account needs its id and nothing else", async () => {
    const host = await stack.host({});
    expect(await echo(await stack.tunnel(host.id, undefined), "hello")).toBe("hello");
  });

  test("opens with an owner token, for its workspace only, until it is revoked", async () => {
    const ann = await stack.account("ann");
    const { token } = await stack.token(ann, ["host"], null, { reusable: true });
    const host = await stack.host({ token });
    await stack.host({ token, name: "other" });
    const { store } = stack.gateway;
    const workspace = await store.workspace(host.id);
    if (workspace?.owner == null) throw new Error("no workspace");
    const owned = { ...workspace, owner: workspace.owner };
    const owner = await store.ownerTokens.create(owned, 60, { account: "ann" });
    const tunnel = await stack.tunnel("dev", owner.token);
    expect(await echo(tunnel, "hello")).toBe("hello");
    await expect(stack.tunnel("other", owner.token)).rejects.toMatchObject({ code: "workspace_unknown" });
    const closed = once(tunnel, "close");
    await store.ownerTokens.revoke(owned, owner.info.id as never, { account: "ann" });
    expect((await closed)[0]).toBe(CLOSE.refused);
    await expect(stack.tunnel("dev", owner.token)).rejects.toMatchObject({ code: "token_revoked" });
  });

  test("ends when its account is disabled or the workspace is no longer shared, and others' live on", async () => {
    const [ann, ben] = [await stack.account("ann"), await stack.account("ben")];
    const [annToken, benToken] = [
      await stack.token(ann, ["host", "connect"]),
      await stack.token(ben, ["connect"]),
    ];
    const host = await stack.host({ token: annToken.token });
    const { store } = stack.gateway;
    const workspace = await store.workspace(host.id);
    if (workspace?.owner == null) throw new Error("no workspace");
    const owned = { ...workspace, owner: workspace.owner };
    await acceptedShare(store, owned, "ben");
    const mine = await stack.tunnel("dev", annToken.token);
    const shared = await stack.tunnel("dev.ann", benToken.token);
    expect(await echo(shared, "shared")).toBe("shared");
    const closed = once(shared, "close");
    await store.shares.remove(owned, "ben" as never, { account: "ann" });
    expect((await closed)[0]).toBe(CLOSE.refused);
    expect(await echo(mine, "still here")).toBe("still here");
    const disabled = once(mine, "close");
    await store.accounts.setDisabled(ann, true, { account: "test" });
    expect((await disabled)[0]).toBe(CLOSE.refused);
  });

  test("that is unshared while it waits for the host to dial back does not open", async () => {
    const ann = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const ben = await stack.token(await stack.account("ben"), ["connect"]);
    const host = await stack.host({ token: ann.token });
    const link = stack.gateway.registry.get(host.id);
    if (link === undefined) throw new Error("no link");
    // The host answers only when the test lets it.
    const openStream = link.openStream.bind(link);
    const gate = Promise.withResolvers<void>();
    const asked = new Promise<void>((resolve) => {
      link.openStream = async (request) => {
        resolve();
        await gate.promise;
        return await openStream(request);
      };
    });
    const workspace = await stack.gateway.store.workspace(host.id);
    if (workspace?.owner == null) throw new Error("no workspace");
    const owned = { ...workspace, owner: workspace.owner };
    await acceptedShare(stack.gateway.store, owned, "ben");
    const opening = stack.tunnel("dev.ann", ben.token).then(
      (socket) => once(socket, "close").then(([code]) => ({ code })),
      (error: unknown) => error,
    );
    await asked;
    await stack.gateway.store.shares.remove(owned, "ben" as never, { account: "ann" });
    gate.resolve();
    expect(await opening).toMatchObject({ code: "forbidden" });
    await expect.poll(() => stack.gateway.registry.online(host.id)?.clients).toBe(0);
  });

  test("by owner token ends when the token expires, and when the owner's account is disabled", async () => {
    const ann = await stack.account("ann");
    const { token } = await stack.token(ann, ["host"]);
    const host = await stack.host({ token });
    const workspace = await stack.gateway.store.workspace(host.id);
    if (workspace?.owner == null) throw new Error("no workspace");
    const owned = { ...workspace, owner: workspace.owner };
    const { store } = stack.gateway;
    const mint = () => store.ownerTokens.create(owned, 600, { account: "ann" });
    const [brief, long] = [await mint(), await mint()];
    // Counted from the moment that it is shown, so that the tunnel opens however long that takes.
    const authenticate = store.authenticateOwnerToken.bind(store);
    store.authenticateOwnerToken = async (bearer) => {
      const grant = await authenticate(bearer);
      return bearer === brief.token ? { ...grant, expiresAt: new Date(Date.now() + 1000) } : grant;
    };
    const [first, second] = [await stack.tunnel("dev", brief.token), await stack.tunnel("dev", long.token)];
    expect(await echo(second, "x")).toBe("x");
    const expired = once(first, "close");
    first.resume();
    expect(await expired).toMatchObject([CLOSE.refused, expect.anything()]);
    expect(await echo(second, "still")).toBe("still");
    const disabled = once(second, "close");
    await stack.gateway.store.accounts.setDisabled(ann, true, { account: "test" });
    expect((await disabled)[0]).toBe(CLOSE.refused);
  });

  test("that sends 1 MiB and one byte in a message is closed with 1009, and no other stream notices", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    await stack.host({ token });
    const [bad, good] = [await stack.tunnel("dev", token), await stack.tunnel("dev", token)];
    bad.resume();
    const closed = once(bad, "close");
    bad.send(Buffer.alloc(1024 * 1024 + 1));
    expect((await closed)[0]).toBe(CLOSE.tooLarge);
    expect(await echo(good, "fine")).toBe("fine");
  });

  test("is counted, audited with its bytes, and shows as a client of the workspace", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const host = await stack.host({ token });
    const tunnel = await stack.tunnel("dev", token);
    await echo(tunnel, "12345");
    expect(stack.gateway.registry.online(host.id)?.clients).toBe(1);
    tunnel.close(1000);
    await expect.poll(() => audited("tunnel.closed")).toHaveLength(1);
    expect(JSON.parse(audited("tunnel.closed")[0] ?? "{}")).toMatchObject({
      bytes_in: 5,
      bytes_out: 5,
      account: "ann",
    });
    expect(stack.gateway.registry.online(host.id)?.clients).toBe(0);
  });

  test("without the right subprotocol, or at an unknown path, is refused with a JSON body", async () => {
    for (const [path, protocol, status] of [
      [PATHS.tunnel, "other", 426],
      ["/nowhere", SUBPROTOCOL.raw, 404],
    ] as const) {
      const socket = new WebSocket(`${stack.url.replace("http", "ws")}${path}`, protocol);
      const [, response] = await once(socket, "unexpected-response");
      expect(response.statusCode).toBe(status);
      expect(response.headers["content-type"]).toBe("application/json");
      socket.on("error", () => undefined);
      socket.terminate();
    }
  });

  test("never leaves a secret in the log", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    await stack.host({ token });
    const open = await stack.host({ name: "open" });
    await echo(await stack.tunnel("dev", token), "x");
    await echo(await stack.tunnel(open.id, undefined), "x");
    await expect(stack.tunnel("dev", newAccessToken())).rejects.toMatchObject({ code: "token_unknown" });
    expect(stack.log.join("")).not.toMatch(/sp[tos]_[0-9A-Za-z]{10}/);
    expect(stack.log.join("")).not.toContain(open.id);
  });
});

describe("a gateway that stops", () => {
  test("sends its hosts away and is gone within a few seconds, with tunnels open", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const host = await stack.host({ token });
    const tunnel = await stack.tunnel("dev", token);
    await echo(tunnel, "x");
    const closed = once(tunnel, "close");
    const started = Date.now();
    await stack.gateway.close();
    expect(Date.now() - started).toBeLessThan(8000);
    expect((await closed)[0]).toBe(CLOSE.goingAway);
    expect(host.logged.join("")).toMatch(/about to stop.*trying again/);
  });
});
