// Refresh tokens: who may use one, how often, and how a stolen one is noticed.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { GRANT, OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import { askForTokens, CLI, postForm, renew, signBrowserIn, signClientIn } from "../../support/oauth.ts";
import { testGateway } from "../../support/test-gateway.ts";

async function signedIn() {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  return { gateway, ana, browser: await signBrowserIn(gateway, ana.token) };
}

describe("a refresh token", () => {
  test("is good for its own client only, and gives no more than before", async () => {
    const { gateway, browser } = await signedIn();
    const tokens = await signClientIn(gateway, browser, { scope: "connect" });
    expect((await renew(gateway, tokens.refresh_token, "sallyport-vscode")).body.error).toBe("invalid_grant");
    const more = await askForTokens(gateway, {
      grant_type: GRANT.refresh,
      refresh_token: tokens.refresh_token,
      scope: "connect account",
    });
    expect(more.body.error).toBe("invalid_scope");
    // That did not use it up.
    const same = await askForTokens(gateway, {
      grant_type: GRANT.refresh,
      refresh_token: tokens.refresh_token,
      scope: "connect",
    });
    expect([same.status, same.body.scope]).toEqual([200, "connect"]);
    expect((await renew(gateway, tokens.access_token)).body.error).toBe("invalid_grant");
  });

  test("that is stolen does not live beside its owner's", async () => {
    const { gateway, browser } = await signedIn();
    const { refresh_token: stolen, access_token } = await signClientIn(gateway, browser);
    const [owner, thief] = await Promise.all([renew(gateway, stolen), renew(gateway, stolen)]);
    // Within the grace both get the same one, so the next use of it tells.
    expect(thief.body.refresh_token).toBe(owner.body.refresh_token);
    const next = await renew(gateway, thief.body.refresh_token);
    expect(next.status).toBe(200);
    const database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
    const before = new Date(Date.now() - 31_000).toISOString();
    database.prepare("update sign_in_secrets set replaced_at = ? where replaced_at is not null").run(before);
    database.close();
    expect((await renew(gateway, owner.body.refresh_token)).body.error).toBe("invalid_grant");
    for (const token of [access_token, owner.body.access_token, next.body.access_token]) {
      expect((await gateway.call("GET", "/me", token)).body.code).toBe("token_revoked");
    }
    expect((await renew(gateway, next.body.refresh_token)).body.error).toBe("invalid_grant");
    const audit = await gateway.call("GET", "/audit", gateway.admin);
    expect(audit.body.map(({ event }: { event: string }) => event)).toContain("sign-in.reused");
  });

  test("is renewed and revoked at once: it has ended afterwards", async () => {
    const { gateway, browser } = await signedIn();
    for (let round = 0; round < 5; round++) {
      const { refresh_token, access_token } = await signClientIn(gateway, browser);
      const [renewed] = await Promise.all([
        renew(gateway, refresh_token),
        postForm(gateway, OAUTH_PATHS.revoke, { client_id: CLI, token: refresh_token }),
        renew(gateway, refresh_token),
      ]);
      const tokens = renewed.status === 200 ? [access_token, renewed.body.access_token] : [access_token];
      for (const token of tokens) {
        expect((await gateway.call("GET", "/me", token)).body.code).toBe("token_revoked");
      }
      if (renewed.status === 200) expect((await renew(gateway, renewed.body.refresh_token)).status).toBe(400);
    }
  });

  test("of a disabled account is refused", async () => {
    const { gateway, browser, ana } = await signedIn();
    const { refresh_token } = await signClientIn(gateway, browser);
    await gateway.call("PATCH", `/accounts/${ana.id}`, gateway.admin, { disabled: true });
    expect((await renew(gateway, refresh_token)).body.error).toBe("invalid_grant");
    await gateway.call("PATCH", `/accounts/${ana.id}`, gateway.admin, { disabled: false });
    expect((await renew(gateway, refresh_token)).status).toBe(200);
  });
});
