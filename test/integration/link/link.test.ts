import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { dialWebSocket } from "../../../agent/platform/network/dial-web-socket.ts";
import { CLOSE } from "../../../protocol/errors.ts";
import { MAX_CONTROL_BYTES } from "../../../protocol/limits.ts";
import { parseBrowserUrl } from "../../../protocol/values/browser-url.ts";
import { parseFolder } from "../../../protocol/values/folder.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { newWorkspaceId } from "../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { newAccessToken, newStreamToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { acceptedShare } from "../../support/accepted-share.ts";
import { echo, type HostRequest, TestStack } from "../../support/link.ts";
import { provedKey } from "../../support/register-key.ts";

let stack: TestStack;
beforeEach(async () => {
  stack = await TestStack.start(["--open"]);
});
afterEach(() => stack.close());

const audited = (event: string): string[] => stack.log.filter((line) => line.includes(`"audit":"${event}"`));
const key = (n: number) =>
  parsePublicKey(
    `ssh-ed25519 ${Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1"), Buffer.alloc(32, n)]).toString("base64")}`,
  );

describe("a host", () => {
  test("is the same workspace again after a restart, by account and name", async () => {
    const ann = await stack.account("ann");
    const { token } = await stack.token(ann, ["host"], null, { reusable: true });
    const state = join(stack.directory, "ann");
    const first = await stack.host({ token, state });
    await first.stop();
    await expect.poll(() => stack.gateway.registry.size).toBe(0);
    expect((await stack.host({ token, state })).id).toBe(first.id);
    expect((await stack.host({ token, state, name: "other" })).id).not.toBe(first.id);
  });

  test("names what a browser and an editor open, which the API shows until it names something else", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const state = join(stack.directory, "ann");
    const api = gatewayApi(stack.url, { token: parseAccessToken(token) });
    const named = {
      browserUrl: parseBrowserUrl("https://dev.example:3000/app"),
      folder: parseFolder("/srv"),
    };
    const first = await stack.host({ token, state, ...named });
    expect(await api.workspaces()).toMatchObject([named]);
    await first.stop();
    await stack.host({ token, state });
    const [later] = await api.workspaces();
    expect(later).toMatchObject({ id: first.id, online: true });
    expect(later).not.toHaveProperty("browserUrl");
    expect(later).not.toHaveProperty("folder");
  });

  test.each([
    ["a browser URL that is a script", { browserUrl: "javascript:alert(1)" }, "bad_url"],
    ["a browser URL with a password", { browserUrl: "https://me:pw@dev.example/" }, "bad_url"],
    ["a relative folder", { folder: "../x" }, "bad_request"],
    ["a folder with a line break", { folder: "/x\nHost *" }, "bad_request"],
  ])("that names %s is refused, and makes no workspace", async (_, named, refusal) => {
    const accountId = await stack.account("ann");
    const { token } = await stack.token(accountId, ["host"]);
    // Like a host that does not check it.
    const unchecked = named as Pick<HostRequest, "browserUrl" | "folder">;
    await expect(stack.host({ token, ...unchecked })).rejects.toMatchObject({ code: refusal });
    expect(await stack.gateway.store.workspaces.list(accountId)).toEqual([]);
  });

  test("without an account is the same workspace again by its state", async () => {
    const state = join(stack.directory, "open");
    const first = await stack.host({ state });
    await first.stop();
    const again = await stack.host({ state });
    expect(again.id).toBe(first.id);
    expect((await stack.host({})).id).not.toBe(first.id);
  });

  test("with the same identity fences the first, which says so and stops", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const state = join(stack.directory, "ann");
    const first = await stack.host({ token, state });
    const tunnel = await stack.tunnel("dev", token);
    expect(await echo(tunnel, "before")).toBe("before");
    const second = await stack.host({ token, state });
    expect(second.id).toBe(first.id);
    expect(await first.ended).toMatchObject({
      code: "fenced",
      message: expect.stringContaining("took over"),
    });
    expect(await echo(tunnel, "what was open goes on")).toBe("what was open goes on");
    expect(await echo(await stack.tunnel("dev", token), "new ones come to the second")).toContain("second");
    expect(second.streams).toHaveLength(1);
  });

  test("on a different machine cannot take the name of one that is online", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host"]);
    const first = await stack.host({ token });
    await expect(stack.host({ token })).rejects.toMatchObject({ code: "name_taken", stage: "workspace" });
    expect(stack.gateway.registry.get(first.id)).toBeDefined();
    expect(audited("connection.refused").join()).toContain("name_taken");
  });

  test("without an account cannot take a workspace whose id it knows, having another key", async () => {
    const first = await stack.host({});
    const state = join(stack.directory, "thief");
    await (await loadIdentity(state)).remember(stack.url, "dev", first.id);
    await expect(stack.host({ state })).rejects.toMatchObject({ code: "identity_mismatch" });
    expect(stack.gateway.registry.get(first.id)).toBeDefined();
  });

  test("of two accounts may use one name; each is its own workspace", async () => {
    const ann = await stack.token(await stack.account("ann"), ["host", "connect"]);
    const ben = await stack.token(await stack.account("ben"), ["host"]);
    const [first, second] = [await stack.host({ token: ann.token }), await stack.host({ token: ben.token })];
    expect(first.id).not.toBe(second.id);
    await echo(await stack.tunnel("dev", ann.token), "x");
    expect([first.streams.length, second.streams.length]).toEqual([1, 0]);
  });

  test("is refused with a token that is unknown, malformed, expired, of a different scope, or of a disabled account", async () => {
    const ann = await stack.account("ann");
    const [valid, narrow, brief] = [
      await stack.token(ann, ["host"]),
      await stack.token(ann, ["connect"]),
      await stack.token(ann, ["host"], 1),
    ];
    const refused = async (token: string, code: string) => {
      await expect(stack.host({ token })).rejects.toMatchObject({ code, stage: "sign-in" });
    };
    await refused(newAccessToken(), "token_unknown");
    await refused(`${valid.token}x`, "bad_token");
    await refused(narrow.token, "scope_missing");
    await expect.poll(() => Date.now() - Date.parse(brief.info.createdAt)).toBeGreaterThan(1000);
    await refused(brief.token, "token_expired");
    await stack.gateway.store.accounts.setDisabled(ann, true, { account: "test" });
    await refused(valid.token, "account_disabled");
  });

  test("gets the account's keys at once, and each change within a second", async () => {
    const ann = await stack.account("ann");
    const { store } = stack.gateway;
    const first = await provedKey(store, ann, key(1), "", { account: "ann" });
    const { token } = await stack.token(ann, ["host"]);
    const host = await stack.host({ token });
    expect(host.keys).toEqual([[{ publicKey: expect.stringContaining(key(1).blob), account: "ann" }]]);
    const times = [performance.now()];
    await provedKey(store, ann, key(2), "", { account: "ann" });
    await expect.poll(() => host.keys.at(-1)?.length).toBe(2);
    times.push(performance.now());
    await store.keys.remove(ann, first.id as never, { account: "ann" });
    await expect
      .poll(() => host.keys.at(-1)?.map(({ publicKey }) => publicKey.includes(key(2).blob)))
      .toEqual([true]);
    times.push(performance.now());
    // The quicker of the two: the slower one may only show that the machine was busy.
    const took = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.min(...took)).toBeLessThan(1000);
  });

  test("loses its link when its token is revoked, says why, and keeps trying", async () => {
    const ann = await stack.account("ann");
    const { token, info } = await stack.token(ann, ["host"]);
    const host = await stack.host({ token });
    await stack.gateway.store.tokens.revoke(ann, info.id as never, { account: "ann" });
    await expect.poll(() => host.logged.join("")).toMatch(/revoked.*trying again/);
    expect(stack.gateway.registry.size).toBe(0);
  });

  test("reconnects by itself when the gateway cuts the link", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host"]);
    const host = await stack.host({ token });
    stack.gateway.registry.get(host.id)?.close("internal", "test");
    await expect.poll(() => host.registrations()).toBe(2);
  });
});

describe("a control connection", () => {
  async function connect(
    token?: string,
  ): Promise<{ socket: WebSocket; messages: Record<string, unknown>[] }> {
    const socket = await dialWebSocket({
      gateway: stack.url,
      path: PATHS.link,
      subprotocols: [SUBPROTOCOL.control],
      token,
      signal: AbortSignal.timeout(20_000),
    });
    const messages: Record<string, unknown>[] = [];
    socket.on("message", (data) => messages.push(JSON.parse(String(data))));
    socket.resume();
    await expect.poll(() => messages.length).toBeGreaterThan(0);
    return { socket, messages };
  }

  test("that sends nonsense, a wrong signature or an old version is told its code and closed; others live on", async () => {
    const bystander = await stack.host({});
    const identity = await loadIdentity(join(stack.directory, "x"));
    const register = {
      type: "register",
      version: 1,
      name: "dev",
      workspaceId: null,
      hostKeys: [`ssh-ed25519 ${identity.publicKey.blob}`],
      signature: Buffer.alloc(64).toString("base64"),
      agent: "test",
      endToEndOnly: false,
      ownerTokens: true,
    };
    const cases: [unknown, string][] = [
      ["nonsense", "bad_message"],
      [{ type: "pong" }, "bad_message"],
      [{ ...register, extra: 1 }, "bad_message"],
      [register, "identity_mismatch"],
      [{ ...register, version: 2 }, "unsupported_version"],
      [{ ...register, hostKeys: ["ssh-ed25519 AAAA"] }, "bad_key"],
    ];
    for (const [message, code] of cases) {
      const { socket, messages } = await connect();
      const closed = once(socket, "close");
      socket.send(typeof message === "string" ? message : JSON.stringify(message));
      expect((await closed)[0]).toBe(CLOSE.refused);
      expect(messages.at(-1)).toMatchObject({ type: "error", code });
      expect(audited("connection.refused").at(-1)).toContain(code);
    }
    expect(stack.gateway.registry.get(bystander.id)).toBeDefined();
    expect(stack.gateway.registry.size).toBe(1);
  });

  test("that sends more than its limit is closed with 1009", async () => {
    const { socket } = await connect();
    const closed = once(socket, "close");
    socket.send("x".repeat(MAX_CONTROL_BYTES + 1));
    expect((await closed)[0]).toBe(CLOSE.tooLarge);
  });

  test("without a token is refused where registration is not open, before the upgrade", async () => {
    const closed = await TestStack.start();
    try {
      await expect(closed.host({})).rejects.toMatchObject({ code: "registration_closed", stage: "sign-in" });
    } finally {
      await closed.close();
    }
  });
});

describe("a dial-back", () => {
  const dial = (token: string | undefined) =>
    dialWebSocket({
      gateway: stack.url,
      path: PATHS.stream,
      subprotocols: [SUBPROTOCOL.raw],
      token,
      signal: AbortSignal.timeout(20_000),
    });

  test("with a wrong, a malformed or no stream token is refused", async () => {
    await expect(dial(newStreamToken())).rejects.toMatchObject({ code: "stream_unknown" });
    await expect(dial("sps_x")).rejects.toMatchObject({ code: "bad_token" });
    await expect(dial(undefined)).rejects.toMatchObject({ code: "bad_token" });
  });

  test("with a token that was used is refused, and the stream that it opened lives on", async () => {
    const { token } = await stack.token(await stack.account("ann"), ["host", "connect"]);
    let used = "";
    await stack.host({
      token,
      onStream(stream, open) {
        used = open.stream;
        stream.pipe(stream);
      },
    });
    const tunnel = await stack.tunnel("dev", token);
    expect(await echo(tunnel, "one")).toBe("one");
    await expect(dial(used)).rejects.toMatchObject({ code: "stream_unknown" });
    expect(await echo(tunnel, "two")).toBe("two");
  });
});

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
