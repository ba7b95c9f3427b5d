// Hosts at a gateway: which workspace a host is, what it is told, and when it is refused.

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatewayApi } from "../../../agent/client/gateway-api.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { parseBrowserUrl } from "../../../protocol/values/browser-url.ts";
import { parseFolder } from "../../../protocol/values/folder.ts";
import { parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { newAccessToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { echo, type HostRequest, TestStack } from "../../support/link.ts";
import { provedKey } from "../../support/ssh/register-key.ts";

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
