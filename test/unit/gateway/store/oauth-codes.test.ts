// Authorization codes in the store: how long they are good, how often, and for whom.

import { expect, test } from "vitest";
import { newTokenId } from "../../../../protocol/values/id.ts";
import { newOneUseCode } from "../../../../protocol/values/token.ts";
import { newVerifier, REDIRECT } from "../../../support/oauth.ts";
import { MINUTE, memoryStore } from "./memory-store.ts";

const FROM = "192.0.2.7";

async function consented() {
  const store = await memoryStore();
  const ana = await store.account("ana");
  const { verifier, challenge } = newVerifier();
  const sessionId = newTokenId();
  const consent = {
    accountId: ana.id,
    sessionId,
    client: "sallyport-cli",
    device: "sallyport on laptop",
    redirectUri: REDIRECT,
    challenge,
    scopes: ["connect"],
  } as const;
  const { oauthCodes } = store.store;
  const presented = { client: "sallyport-cli", redirectUri: REDIRECT, verifier, address: FROM } as const;
  return { ...store, oauthCodes, consent, presented, sessionId, code: await oauthCodes.create(consent) };
}

test("A code is good for a minute", async () => {
  const { oauthCodes, presented, code, pass, consent, sessionId } = await consented();
  const late = await oauthCodes.create(consent);
  pass(59_999);
  expect(await oauthCodes.take({ ...presented, code })).toMatchObject({
    session_id: sessionId,
    client: "sallyport-cli",
    device: "sallyport on laptop",
    scopes: '["connect"]',
  });
  pass(1);
  expect(await oauthCodes.take({ ...presented, code: late })).toBeUndefined();
  expect(await oauthCodes.take({ ...presented, code: newOneUseCode() })).toBeUndefined();
});

test("A second use is noticed before the first one has given anything, and ten minutes later", async () => {
  const { oauthCodes, presented, code, consent, pass, changes, store, ...rest } = await consented();
  const taken = await oauthCodes.take({ ...presented, code });
  expect(await oauthCodes.take({ ...presented, code })).toBeUndefined();
  expect(await oauthCodes.gave(taken?.hash ?? "", newTokenId())).toBe(false);

  const second = await oauthCodes.create(consent);
  const row = await oauthCodes.take({ ...presented, code: second });
  const signIn = await store.signIns.createClient(
    { ...consent, method: "oauth", address: FROM },
    { account: "ana" },
  );
  expect(await oauthCodes.gave(row?.hash ?? "", signIn.id)).toBe(true);
  pass(10 * MINUTE);
  await oauthCodes.prune();
  // Anybody who has the code, with whatever verifier.
  await oauthCodes.take({ ...presented, verifier: newVerifier().verifier, code: second });
  expect(changes).toContainEqual({ kind: "token-revoked", tokenId: signIn.id });
  expect(rest.logLines.join("")).not.toContain(second);
});

test("An account has so many codes at once, and forgotten ones make room", async () => {
  const { oauthCodes, consent, pass } = await consented();
  for (let i = 1; i < 50; i++) await oauthCodes.create(consent);
  await expect(oauthCodes.create(consent)).rejects.toMatchObject({ code: "limit_reached" });
  pass(12 * MINUTE);
  await oauthCodes.create(consent);
});
