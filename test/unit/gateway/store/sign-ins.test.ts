// Sign-ins in the store: their secrets change while their id stays, use keeps them, and reuse of a secret ends them.

import { describe, expect, test } from "vitest";
import { SCOPES } from "../../../../protocol/api.ts";
import { DAY, MINUTE, memoryStore } from "./memory-store.ts";

const FROM = "192.0.2.7";

async function signedIn() {
  const store = await memoryStore();
  const ana = await store.account("ana");
  const wanted = {
    accountId: ana.id,
    client: "sallyport-cli",
    device: "sallyport on laptop",
    method: "oauth",
    scopes: ["connect", "account"],
    address: FROM,
  } as const;
  const actor = { account: ana.name, address: FROM };
  return { ...store, ana, wanted, actor };
}

describe("a client", () => {
  test("has an access token for an hour, and the id stays when its secrets change", async () => {
    const { store, ana, wanted, actor, pass } = await signedIn();
    const first = await store.signIns.createClient(wanted, actor);
    const identity = await store.authenticate(first.access, FROM);
    expect(identity).toMatchObject({ tokenId: first.id, kind: "client", mintsUnder: first.id });
    expect([...identity.scopes]).toEqual(["account", "connect"]);
    pass(61 * MINUTE);
    await expect(store.authenticate(first.access)).rejects.toMatchObject({ code: "token_expired" });
    const second = await store.signIns.renewClient({
      refresh: first.refresh,
      client: "sallyport-cli",
      address: FROM,
    });
    expect(second.id).toBe(first.id);
    expect((await store.authenticate(second.access)).tokenId).toBe(first.id);
    expect(await store.tokens.list(ana.id)).toHaveLength(1);
    expect(await store.signIns.list(ana.id, first.id)).toMatchObject([{ id: first.id, current: true }]);
  });

  test("may ask twice within the grace; later the reuse ends the sign-in", async () => {
    const { store, wanted, actor, pass, changes } = await signedIn();
    const first = await store.signIns.createClient(wanted, actor);
    const renew = () =>
      store.signIns.renewClient({ refresh: first.refresh, client: "sallyport-cli", address: FROM });
    const [one, two] = await Promise.all([renew(), renew()]);
    expect(one.access).not.toBe(two.access);
    // There is one refresh token only that leads on.
    expect(two.refresh).toBe(one.refresh);
    await store.authenticate(one.access);
    await store.authenticate(two.access);
    pass(29_000);
    await renew();
    pass(2_000);
    await expect(renew()).rejects.toMatchObject({ code: "token_revoked" });
    await expect(store.authenticate(one.access)).rejects.toMatchObject({ code: "token_revoked" });
    await expect(
      store.signIns.renewClient({ refresh: two.refresh, client: "sallyport-cli", address: FROM }),
    ).rejects.toMatchObject({
      code: "token_revoked",
    });
    expect(changes).toContainEqual({ kind: "token-revoked", tokenId: first.id });
  });

  test("is led on by an older refresh token to the newest one, and after the grace by none", async () => {
    const { store, wanted, actor, pass } = await signedIn();
    const { refresh: first } = await store.signIns.createClient(wanted, actor);
    const renew = (refresh: string) =>
      store.signIns.renewClient({ refresh, client: "sallyport-cli", address: FROM });
    pass(10_000);
    const second = await renew(first);
    pass(15_000);
    const third = await renew(second.refresh);
    pass(14_000);
    expect((await renew(first)).refresh).toBe(third.refresh);
    expect((await renew(second.refresh)).refresh).toBe(third.refresh);
    pass(2_000);
    // The second one is within its grace still.
    expect((await renew(second.refresh)).refresh).toBe(third.refresh);
    await expect(renew(first)).rejects.toMatchObject({ code: "token_revoked" });
  });

  test("that is renewed from a different address is in the audit log, once", async () => {
    const { store, wanted, actor, pass } = await signedIn();
    let { refresh } = await store.signIns.createClient(wanted, actor);
    for (const address of [FROM, "198.51.100.1", "198.51.100.1"]) {
      pass(60 * MINUTE);
      ({ refresh } = await store.signIns.renewClient({ refresh, client: "sallyport-cli", address }));
    }
    const rows = await store.auditLog.list({ limit: 100 });
    expect(rows.filter(({ event }) => event === "sign-in.renewed")).toMatchObject([
      { address: "198.51.100.1" },
    ]);
  });

  test("is not renewed by a different client, with an access token, or after 60 days without use", async () => {
    const { store, wanted, actor, pass } = await signedIn();
    const { refresh, access } = await store.signIns.createClient(wanted, actor);
    await expect(
      store.signIns.renewClient({ refresh: refresh, client: "sallyport-vscode", address: FROM }),
    ).rejects.toMatchObject({
      code: "token_unknown",
    });
    await expect(
      store.signIns.renewClient({ refresh: access, client: "sallyport-cli", address: FROM }),
    ).rejects.toMatchObject({
      code: "bad_token",
    });
    pass(60 * DAY);
    await expect(
      store.signIns.renewClient({ refresh: refresh, client: "sallyport-cli", address: FROM }),
    ).rejects.toMatchObject({
      code: "token_expired",
    });
  });

  test("makes tokens that end with it", async () => {
    const { store, ana, wanted, actor } = await signedIn();
    const client = await store.signIns.createClient(wanted, actor);
    const { mintsUnder: parent } = await store.authenticate(client.access);
    const made = { accountId: ana.id, title: "host", scopes: ["host"], expiresInSeconds: null } as const;
    const { token } = await store.tokens.create({ ...made, parent }, actor);
    await store.tokens.revoke(ana.id, client.id, actor);
    await expect(store.authenticate(token)).rejects.toMatchObject({ code: "token_revoked" });
  });

  test("that is one too many ends the one that was unused for longest", async () => {
    const { store, ana, wanted, actor, pass } = await signedIn();
    const first = await store.signIns.createClient(wanted, actor);
    for (let i = 0; i < 50; i++) {
      pass(MINUTE);
      await store.signIns.createClient(wanted, actor);
    }
    expect(await store.signIns.list(ana.id)).toHaveLength(50);
    await expect(store.authenticate(first.access)).rejects.toMatchObject({ code: "token_revoked" });
  });
});

describe("a browser", () => {
  const browser = { client: "dashboard", device: "Firefox on Linux", method: "token" } as const;

  test("stays signed in while it is used, 30 days at most", async () => {
    const { store, wanted, actor, pass } = await signedIn();
    const { secret } = await store.signIns.createBrowser({ ...wanted, ...browser }, actor);
    for (let hours = 0; hours < 24 * 30 - 11; hours += 11) {
      const identity = await store.signIns.authenticateSession(secret, FROM);
      expect(identity).toMatchObject({ kind: "browser", mintsUnder: null });
      pass(11 * 60 * MINUTE);
    }
    pass(11 * 60 * MINUTE);
    await expect(store.signIns.authenticateSession(secret, FROM)).rejects.toMatchObject({
      code: "token_expired",
    });
  });

  test("is signed out after 12 hours without use, even if an event stream stays open", async () => {
    const { store, wanted, actor, pass } = await signedIn();
    const { id, secret } = await store.signIns.createBrowser({ ...wanted, ...browser }, actor);
    for (let hours = 0; hours < 12; hours++) {
      await store.recheck(id);
      pass(60 * MINUTE);
    }
    await expect(store.recheck(id)).rejects.toMatchObject({ code: "token_expired" });
    await expect(store.signIns.authenticateSession(secret, FROM)).rejects.toMatchObject({
      code: "token_expired",
    });
  });

  test("is kept by its use, and shows from where it was used, while an event stream of it is checked", async () => {
    const { store, ana, wanted, actor, pass } = await signedIn();
    const { id, secret } = await store.signIns.createBrowser({ ...wanted, ...browser }, actor);
    for (let hours = 0; hours < 13; hours++) {
      pass(60 * MINUTE - 30_000);
      await store.recheck(id);
      pass(30_000);
      // Somebody who has copied the cookie comes in the shadow of the owner's open page.
      await store.signIns.authenticateSession(secret, "198.51.100.9");
    }
    expect(await store.signIns.list(ana.id)).toMatchObject([{ lastUsedFrom: "198.51.100.9" }]);
  });

  test("gets a new secret when the person proves who they are, and the old one ends", async () => {
    const { store, wanted, actor, pass } = await signedIn();
    const { id, secret } = await store.signIns.createBrowser({ ...wanted, ...browser }, actor);
    pass(20 * MINUTE);
    const before = await store.signIns.authenticateSession(secret, FROM);
    const renewed = await store.signIns.renewBrowser(id, "passkey", undefined);
    await expect(store.signIns.authenticateSession(secret, FROM)).rejects.toMatchObject({
      code: "token_unknown",
    });
    const after = await store.signIns.authenticateSession(renewed, FROM);
    expect(after.tokenId).toBe(id);
    expect((after.authenticatedAt?.getTime() ?? 0) - (before.authenticatedAt?.getTime() ?? 0)).toBe(
      20 * MINUTE,
    );
  });

  test("does not outlive the access token that it was made with", async () => {
    const { store, ana, wanted, actor } = await signedIn();
    const { secret } = await store.signIns.createBrowser(
      { ...wanted, ...browser, scopes: SCOPES, parent: ana.tokenId },
      actor,
    );
    expect((await store.signIns.authenticateSession(secret, FROM)).mintsUnder).toBe(ana.tokenId);
    await store.tokens.revoke(ana.id, ana.tokenId, actor);
    await expect(store.signIns.authenticateSession(secret, FROM)).rejects.toMatchObject({
      code: "token_revoked",
    });
  });

  test("of a disabled account is not made", async () => {
    const { store, ana, wanted, actor, account } = await signedIn();
    await account("root", { admin: true });
    await store.accounts.setDisabled(ana.id, true, actor);
    await expect(store.signIns.createBrowser({ ...wanted, ...browser }, actor)).rejects.toMatchObject({
      code: "account_disabled",
    });
  });
});
