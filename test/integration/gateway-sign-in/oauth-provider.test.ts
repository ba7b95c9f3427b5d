// A program that was allowed by somebody who had signed in by an identity provider: what the provider says later holds for it too.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test, vi } from "vitest";
import { Liveness } from "../../../gateway/identity/providers/liveness.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { GRANT } from "../../../protocol/sign-in/oauth.ts";
import { parseTokenId } from "../../../protocol/values/id.ts";
import { gatewayWithProvider } from "../../support/identity/gateway-with-provider.ts";
import { askForTokens, authorizationQuery, newVerifier, REDIRECT, renew } from "../../support/oauth.ts";

afterEach(() => vi.restoreAllMocks());

const ANA = { email: "ana@corp.example", email_verified: true, preferred_username: "ana" };

async function withProgram() {
  const site = await gatewayWithProvider();
  const browser = await site.signedIn("sub-1", ANA);
  const { verifier, challenge } = newVerifier();
  const query = authorizationQuery(challenge);
  const decided = await browser.api("POST", `${site.url}/api/v1/authorizations`, { query, allow: true });
  const { body: tokens } = await askForTokens(site, {
    grant_type: GRANT.code,
    code: new URL(decided.body.redirect).searchParams.get("code") ?? "",
    redirect_uri: REDIRECT,
    code_verifier: verifier,
  });
  return { ...site, browser, tokens };
}

/** As if the provider had been asked a quarter of an hour ago. */
function makeDue(dataDir: string): void {
  const database = new DatabaseSync(join(dataDir, "gateway.db"));
  const before = new Date(Date.now() - 16 * 60_000).toISOString();
  database.prepare("update sign_ins set provider_checked_at = ?").run(before);
  database.close();
}

test("It has the identity of the browser, and not the provider's refresh token", async () => {
  const { gateway, tokens, session, browser } = await withProgram();
  const row = await gateway.store.signIns.row(parseTokenId(tokens.sign_in));
  const from = await gateway.store.signIns.row(parseTokenId((await session(browser)).body.signInId));
  expect(row).toMatchObject({
    provider: "main",
    identity_id: from?.identity_id,
    idp_session: from?.idp_session,
    sealed_refresh: null,
    sealed_id_token: null,
  });
  expect(from?.identity_id).toMatch(/^id/);
});

test("Once the provider refuses the person, the next renewal is refused, and the sign-in has ended", async () => {
  const { idp, dataDir, tokens, call, ...site } = await withProgram();
  await idp.disable("sub-1");
  makeDue(dataDir);
  const answer = await renew(site, tokens.refresh_token);
  expect([answer.status, answer.body.error]).toEqual([400, "invalid_grant"]);
  expect((await call("GET", "/me", tokens.access_token)).body.code).toBe("token_revoked");
});

test("A provider that is down keeps no program from renewing", async () => {
  const { idp, dataDir, tokens, ...site } = await withProgram();
  makeDue(dataDir);
  idp.setDown(true);
  const renewed = await renew(site, tokens.refresh_token);
  expect(renewed.status).toBe(200);
  expect((await renew(site, renewed.body.refresh_token)).status).toBe(200);
});

test("A provider that thinks for longer than a renewal may take is not waited for", async () => {
  const { tokens, call, ...site } = await withProgram();
  let refuse: (error: Error) => void = () => undefined;
  vi.spyOn(Liveness.prototype, "confirm").mockImplementationOnce(
    () =>
      new Promise((_resolve, reject) => {
        refuse = reject;
      }),
  );
  const start = performance.now();
  expect((await renew(site, tokens.refresh_token)).status).toBe(200);
  expect(performance.now() - start).toBeGreaterThan(4_000);
  refuse(new ProtocolError("token_revoked", "no"));
  expect((await call("GET", "/me", tokens.access_token)).status).toBe(200);
});
