// Which workspace a token registers, and what happens to a changed host key.

import { describe, expect, test } from "vitest";
import type { NewAccessToken } from "../../../../gateway/store/tokens/access-tokens.ts";
import type { WorkspaceId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import type { AccessToken } from "../../../../protocol/values/token.ts";
import { ed25519, memoryStore } from "./memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value });
const fingerprint = (n: number) => parsePublicKey(ed25519(n)).fingerprint;

/** An account with a token for everything, and hosts that register as real ones do. */
async function world() {
  const memory = await memoryStore();
  const { store, actor, account } = memory;
  const ada = await account("ada");
  const hostToken = async (more: Partial<NewAccessToken> = {}) => {
    const wanted = { accountId: ada.id, title: "host", scopes: ["host"], expiresInSeconds: null } as const;
    return (await store.tokens.create({ ...wanted, ...more }, actor)).token;
  };
  const come = async (token: AccessToken, text: string, key = 1, id: WorkspaceId | null = null) => {
    const identity = await store.authenticate(token);
    const name = parseName(text);
    const existing = (await store.findRegistered(identity, name, id)) ?? null;
    return memory.register(identity, text, { existing, hostKey: ed25519(key) });
  };
  const owned = async (text: string) =>
    store.workspaces.resolveOwned({ kind: "name", name: parseName(text), owner: undefined }, ada.identity);
  const audited = async (event: string) =>
    (await store.auditLog.list({ limit: 100 })).filter((row) => row.event === event);
  return { ...memory, ada, hostToken, come, owned, audited };
}

describe("a host's token", () => {
  test("is bound to the workspace that it registers first", async () => {
    const { store, hostToken, come } = await world();
    const token = await hostToken();
    expect((await store.authenticate(token)).registers).toEqual({ kind: "first", name: null });
    const box = await come(token, "box");
    expect((await store.authenticate(token)).registers).toEqual({ kind: "one", id: box.id, name: "box" });
    expect((await come(token, "box")).id).toBe(box.id);
    await expect(come(token, "other")).rejects.toEqual(code("token_bound"));
  });

  test("does not reach a different workspace by its name, nor by its id, nor under both", async () => {
    const { hostToken, come } = await world();
    const prod = await come(await hostToken(), "prod", 1);
    const token = await hostToken();
    const box = await come(token, "box", 2);
    await expect(come(token, "prod", 2)).rejects.toEqual(code("token_bound"));
    await expect(come(token, "prod", 1, prod.id)).rejects.toEqual(code("token_bound"));
    expect((await come(token, "box", 2, prod.id)).id).toBe(box.id);
  });

  test("that was made for a workspace registers only that one, whether or not it existed then", async () => {
    const { store, hostToken, come } = await world();
    const later = await hostToken({ workspace: parseName("later") });
    await expect(come(later, "sooner")).rejects.toEqual(code("token_bound"));
    const made = await come(later, "later");
    const second = await hostToken({ workspace: parseName("later") });
    expect((await store.authenticate(second)).registers).toEqual({ kind: "one", id: made.id, name: "later" });
    await expect(come(second, "sooner")).rejects.toEqual(code("token_bound"));
  });

  test("stays with its workspace when that is renamed, and does not register one with the old name", async () => {
    const { store, hostToken, come, owned, actor } = await world();
    const token = await hostToken();
    const box = await come(token, "box");
    await store.workspaces.rename(await owned("box"), parseName("crate"), actor);
    const other = await come(await hostToken(), "box", 2);
    // The host asks for the same name as ever, and has not kept the id.
    expect(await come(token, "box")).toMatchObject({ id: box.id, name: "crate" });
    expect(await come(token, "crate")).toMatchObject({ id: box.id, name: "crate" });
    expect(other.id).not.toBe(box.id);
  });

  test("does not bring back a deleted workspace", async () => {
    const { store, hostToken, come, owned, actor } = await world();
    const token = await hostToken();
    await come(token, "box");
    await store.workspaces.remove(await owned("box"), actor);
    await expect(come(token, "box")).rejects.toEqual(code("token_bound"));
    await expect(come(token, "other")).rejects.toEqual(code("token_bound"));
  });

  test("is bound by one of two hosts that use it at the same time, and the other one creates no workspace", async () => {
    const { store, ada, hostToken, register } = await world();
    const identity = await store.authenticate(await hostToken());
    const both = await Promise.allSettled([register(identity, "one"), register(identity, "two")]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: code("token_bound") });
    expect(await store.workspaces.list(ada.id)).toHaveLength(1);
  });

  test("registers any number of workspaces if it is reusable or manages the account", async () => {
    const { ada, hostToken, come } = await world();
    for (const token of [await hostToken({ reusable: true }), ada.token]) {
      for (const name of ["one", "two", "three"]) expect((await come(token, name)).name).toBe(name);
    }
  });
});

describe("a host key that has changed", () => {
  test.each([
    ["by the token that is bound to the workspace", "own"],
    ["by a reusable token", "reusable"],
    ["by a token for everything", "all"],
  ])("waits for the owner, who is notified once: %s", async (_, kind) => {
    const { store, ada, hostToken, come, owned, audited, changes } = await world();
    const own = await hostToken();
    const box = await come(own, "box", 1);
    const token = { own, all: ada.token, reusable: await hostToken({ reusable: true }) }[kind] ?? own;
    changes.length = 0;
    for (let tries = 0; tries < 3; tries++) {
      await expect(come(token, "box", 2)).rejects.toEqual(code("host_key_held"));
    }
    expect(changes).toEqual([{ kind: "workspace", id: box.id }]);
    expect(await audited("workspace.host-key-held")).toMatchObject([{ key: fingerprint(2) }]);
    expect(await owned("box")).toMatchObject({
      hostKeys: [ed25519(1)],
      heldHostKeys: [{ fingerprint: fingerprint(2), address: "192.0.2.1", declined: false }],
    });
    // Nobody is shut out: the previous host can register as before.
    expect((await come(own, "box", 1)).id).toBe(box.id);
    expect((await store.authenticate(own)).registers).toMatchObject({ kind: "one" });
  });

  test("takes over once it is accepted, and then the old key waits", async () => {
    const { store, hostToken, come, owned, audited, actor } = await world();
    const token = await hostToken();
    const box = await come(token, "box", 1);
    await expect(come(token, "box", 2)).rejects.toEqual(code("host_key_held"));
    await store.hostKeyDecisions.accept(await owned("box"), fingerprint(2), actor);
    // Until its host registers, clients continue to see the key that they know.
    expect(await owned("box")).toMatchObject({ hostKeys: [ed25519(1)], heldHostKeys: [] });
    await expect(come(token, "box", 3)).rejects.toEqual(code("host_key_held"));
    expect(await come(token, "box", 2)).toMatchObject({ id: box.id, hostKeys: [ed25519(2)] });
    await expect(come(token, "box", 1)).rejects.toEqual(code("host_key_held"));
    expect(await audited("workspace.host-key-accepted")).toMatchObject([{ key: fingerprint(2) }]);
    expect(await audited("workspace.host-key-changed")).toMatchObject([{ key: fingerprint(2) }]);
  });

  test("is refused once it is declined, even if it was accepted before", async () => {
    const { store, hostToken, come, owned, audited, actor } = await world();
    const token = await hostToken();
    await come(token, "box", 1);
    await expect(come(token, "box", 2)).rejects.toEqual(code("host_key_held"));
    await store.hostKeyDecisions.decline(await owned("box"), fingerprint(2), actor);
    await expect(come(token, "box", 2)).rejects.toEqual(code("identity_mismatch"));
    await store.hostKeyDecisions.accept(await owned("box"), fingerprint(3), actor);
    await store.hostKeyDecisions.decline(await owned("box"), fingerprint(3), actor);
    await expect(come(token, "box", 3)).rejects.toEqual(code("host_key_held"));
    expect(await audited("workspace.host-key-declined")).toHaveLength(2);
    const unknown = store.hostKeyDecisions.decline(await owned("box"), fingerprint(9), actor);
    await expect(unknown).rejects.toEqual(code("not_found"));
  });

  test("can be accepted even after other keys have pushed it out of the list", async () => {
    const { store, hostToken, come, owned, actor } = await world();
    const token = await hostToken();
    await come(token, "box", 1);
    for (let key = 2; key < 30; key++) {
      await expect(come(token, "box", key)).rejects.toEqual(code("host_key_held"));
    }
    expect((await owned("box")).heldHostKeys).toHaveLength(8);
    await store.hostKeyDecisions.accept(await owned("box"), fingerprint(2), actor);
    expect((await come(token, "box", 2)).hostKeys).toEqual([ed25519(2)]);
  });

  test("does not bind a token that has registered nothing", async () => {
    const { store, hostToken, come } = await world();
    await come(await hostToken(), "prod", 1);
    const token = await hostToken();
    await expect(come(token, "prod", 2)).rejects.toEqual(code("host_key_held"));
    expect((await store.authenticate(token)).registers).toEqual({ kind: "first", name: null });
    expect((await come(token, "box", 2)).name).toBe("box");
  });

  test("of an accountless workspace is refused: there is no owner to ask", async () => {
    const { register } = await world();
    const open = await register(null, "box");
    await expect(register(null, "box", { existing: open, hostKey: ed25519(2) })).rejects.toEqual(
      code("identity_mismatch"),
    );
  });
});
