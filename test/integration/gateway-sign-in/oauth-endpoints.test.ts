// The OAuth endpoints: what they take, what they tell whom, and what is logged of it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GRANT, OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import { newOneUseCode, newRefreshToken } from "../../../protocol/values/token.ts";
import {
  allowedCode,
  askForTokens,
  authorizationQuery,
  CLI,
  newVerifier,
  OWN_PAGE,
  postForm,
  REDIRECT,
  renew,
  signBrowserIn,
  signClientIn,
} from "../../support/oauth.ts";
import { testGateway } from "../../support/test-gateway.ts";

async function signedIn() {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  return { gateway, ana, browser: await signBrowserIn(gateway, ana.token) };
}

describe("the endpoints", () => {
  test("take forms in bodies only, and each parameter once", async () => {
    const { gateway, browser } = await signedIn();
    const { form } = await allowedCode(browser);
    const good = new URLSearchParams(form).toString();
    const json = await postForm(gateway, OAUTH_PATHS.token, JSON.stringify(form), {
      "content-type": "application/json",
    });
    expect([json.status, json.body.error]).toEqual([415, "invalid_request"]);
    for (const [path, body, status] of [
      [`${OAUTH_PATHS.token}?${good}`, "", 400],
      [`${OAUTH_PATHS.token}?x`, good, 400],
      [OAUTH_PATHS.token, "", 400],
      [OAUTH_PATHS.token, `${good}&code=x`, 400],
      [OAUTH_PATHS.token, `${good}&client_id=`, 400],
      [OAUTH_PATHS.token, `${good}&x=%ff`, 400],
      [OAUTH_PATHS.token, `${good}&x=${"x".repeat(5_000)}`, 413],
      [OAUTH_PATHS.device, "scope=connect", 400],
      [OAUTH_PATHS.revoke, `client_id=${CLI}`, 400],
    ] as const) {
      const answer = await postForm(gateway, path, body);
      expect([answer.status, Object.keys(answer.body)], path).toEqual([
        status,
        ["error", "error_description"],
      ]);
      expect(answer.body.error, path).toMatch(/^invalid_(request|client)$/);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    // None of them has used the code.
    expect((await askForTokens(gateway, form)).status).toBe(200);
  });

  test("give other sites nothing: no CORS, no cookies taken, nothing by GET", async () => {
    const { gateway, browser } = await signedIn();
    for (const path of [OAUTH_PATHS.token, OAUTH_PATHS.device, OAUTH_PATHS.revoke]) {
      const origin = { origin: "https://evil.example", "access-control-request-method": "POST" };
      for (const method of ["OPTIONS", "GET"]) {
        const answer = await gateway.send(method, path, undefined, { headers: origin });
        expect(answer.status, `${method} ${path}`).toBe(404);
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
        await answer.text();
      }
      const answer = await postForm(
        gateway,
        path,
        { client_id: CLI },
        { cookie: browser.cookie, ...OWN_PAGE },
      );
      expect([answer.headers.get("set-cookie"), answer.headers.get("access-control-allow-origin")]).toEqual([
        null,
        null,
      ]);
    }
  });

  test.each([
    [{ client_id: "evil", grant_type: GRANT.refresh, refresh_token: "x" }, "invalid_client"],
    [{ client_id: CLI }, "invalid_request"],
    [{ client_id: CLI, grant_type: "password", username: "ana", password: "x" }, "unsupported_grant_type"],
    [{ client_id: CLI, grant_type: "client_credentials" }, "unsupported_grant_type"],
    [{ client_id: CLI, grant_type: GRANT.refresh }, "invalid_request"],
    [{ client_id: CLI, grant_type: GRANT.refresh, refresh_token: "spr_x" }, "invalid_grant"],
    [
      {
        client_id: CLI,
        grant_type: GRANT.code,
        code: "x",
        redirect_uri: REDIRECT,
        code_verifier: "a".repeat(43),
      },
      "invalid_grant",
    ],
  ])("refuse %j", async (form, error) => {
    const gateway = await testGateway();
    const answer = await postForm(gateway, OAUTH_PATHS.token, form);
    expect([answer.status, answer.body.error]).toEqual([400, error]);
  });

  test("slow down who guesses, and count no poll", async () => {
    const { gateway, browser } = await signedIn();
    const device = await postForm(gateway, OAUTH_PATHS.device, { client_id: CLI });
    const form = { grant_type: GRANT.device, device_code: String(device.body.device_code) };
    for (let i = 0; i < 40; i++) {
      expect((await askForTokens(gateway, form)).body.error).toMatch(/^(authorization_pending|slow_down)$/);
    }
    const { refresh_token } = await signClientIn(gateway, browser);
    const guess = () => renew(gateway, "spr_x");
    for (let i = 0; i < 30; i++) expect((await guess()).body.error).toBe("invalid_grant");
    const refused = await guess();
    expect([refused.status, refused.body.error]).toEqual([429, "temporarily_unavailable"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    // Who does not guess is let through.
    expect((await renew(gateway, refresh_token)).status).toBe(200);
  });

  test("are in the log by their pattern, and nothing of what was sent is", async () => {
    const { gateway, browser } = await signedIn();
    const { form } = await allowedCode(browser);
    await askForTokens(gateway, form);
    await postForm(gateway, `${OAUTH_PATHS.token}?code=in-the-url`, form);
    await gateway.send("GET", `/oauth/authorize?${authorizationQuery(newVerifier().challenge)}`, undefined);
    const log = gateway.logLines.join("");
    expect(log).toContain(`"route":"${OAUTH_PATHS.token}"`);
    for (const secret of [form.code, form.code_verifier, "in-the-url", "code_challenge"]) {
      expect(log).not.toContain(secret);
    }
  });

  test("never fail, whatever is sent", async () => {
    const gateway = await testGateway();
    const name = fc.oneof(
      fc.constantFrom(
        "client_id",
        "grant_type",
        "code",
        "code_verifier",
        "redirect_uri",
        "refresh_token",
        "device_code",
      ),
      fc.constantFrom("token", "scope", "device", "token_type_hint", "__proto__", "constructor"),
      fc.string({ maxLength: 10 }),
    );
    const value = fc.oneof(
      fc.constantFrom<string>(
        CLI,
        GRANT.code,
        GRANT.refresh,
        GRANT.device,
        "connect",
        newOneUseCode(),
        newRefreshToken(),
      ),
      fc.string({ unit: "binary", maxLength: 60 }).map((text) => text.toWellFormed()),
    );
    const form = fc.oneof(
      fc.array(fc.tuple(name, value), { maxLength: 7 }).map((pairs) => new URLSearchParams(pairs).toString()),
      fc.string({ maxLength: 100 }),
    );
    const path = fc.constantFrom(OAUTH_PATHS.token, OAUTH_PATHS.device, OAUTH_PATHS.revoke);
    await fc.assert(
      fc.asyncProperty(path, fc.boolean(), form, async (at, known, given) => {
        const { status, body } = await postForm(gateway, at, known ? `client_id=${CLI}&${given}` : given);
        expect(status).toBeLessThan(500);
        if (status !== 200) expect(Object.keys(body)).toEqual(["error", "error_description"]);
      }),
      { numRuns: 300 },
    );
  });
});
