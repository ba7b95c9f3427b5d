// What must not work when a person allows a program: codes in the wrong hands, answers that go elsewhere, and consent that no
// person gave on a page of the gateway.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test, vi } from "vitest";
import { GRANT } from "../../../protocol/sign-in/oauth.ts";
import {
  allow,
  allowedCode,
  askForTokens,
  authorizationQuery,
  newVerifier,
  OWN_PAGE,
  REDIRECT,
  renew,
  signBrowserIn,
  signClientIn,
} from "../../support/oauth.ts";
import { type TestGateway, testGateway } from "../../support/test-gateway.ts";

const EDITOR_REDIRECT = "vscode://sallyport.sallyport/signed-in?windowId=3";

async function signedIn() {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  return { gateway, ana, browser: await signBrowserIn(gateway, ana.token) };
}

async function clientsOf(gateway: TestGateway, token: string): Promise<string[]> {
  const { body } = await gateway.call("GET", "/sign-ins", token);
  return body.filter(({ kind }: { kind: string }) => kind === "client").map(({ id }: { id: string }) => id);
}

describe("a code is worth nothing", () => {
  const other = newVerifier();
  const wrong: readonly (readonly [
    what: string,
    changes: Readonly<Record<string, string>>,
    error: string,
  ])[] = [
    ["without the verifier", { code_verifier: "" }, "invalid_request"],
    ["with a different verifier", { code_verifier: other.verifier }, "invalid_grant"],
    ["with the verifier in a different case", { code_verifier: "upper" }, "invalid_grant"],
    ["with the challenge as its plain verifier", { code_verifier: "challenge" }, "invalid_grant"],
    ["with a short verifier", { code_verifier: "a".repeat(42) }, "invalid_request"],
    ["with a long verifier", { code_verifier: "a".repeat(129) }, "invalid_request"],
    ["without the redirect URI", { redirect_uri: "" }, "invalid_request"],
    [
      "with the redirect URI of a different port",
      { redirect_uri: "http://127.0.0.1:54322/signed-in" },
      "invalid_grant",
    ],
    [
      "with the redirect URI of the other family",
      { redirect_uri: "http://[::1]:54321/signed-in" },
      "invalid_grant",
    ],
    [
      "with the redirect URI encoded",
      { redirect_uri: "http://127.0.0.1:54321/signed%2Din" },
      "invalid_grant",
    ],
    ["for a different client", { client_id: "sallyport-vscode" }, "invalid_grant"],
  ];
  test.each(wrong)("%s", async (_what, changes, error) => {
    const { gateway, browser, ana } = await signedIn();
    const { verifier, challenge } = newVerifier();
    const answer = await allow(browser, authorizationQuery(challenge));
    const given = new Map([
      ["upper", verifier.toUpperCase()],
      ["challenge", challenge],
    ]).get(changes.code_verifier ?? "");
    const form = {
      grant_type: GRANT.code,
      code: answer.searchParams.get("code") ?? "",
      redirect_uri: REDIRECT,
      code_verifier: verifier,
    };
    const refused = await askForTokens(gateway, {
      ...form,
      ...changes,
      ...(given === undefined ? {} : { code_verifier: given }),
    });
    expect([refused.status, refused.body.error]).toEqual([400, error]);
    expect(await clientsOf(gateway, ana.token)).toEqual([]);
    if (error === "invalid_request") return;
    // Somebody else has had it, so its owner does not get anything for it either.
    expect((await askForTokens(gateway, form)).body.error).toBe("invalid_grant");
  });

  test("a second time: what the first one gave ends", async () => {
    const { gateway, browser, ana } = await signedIn();
    const { form } = await allowedCode(browser);
    const first = await askForTokens(gateway, form);
    expect(first.status).toBe(200);
    const second = await askForTokens(gateway, { ...form, code_verifier: newVerifier().verifier });
    expect(second.body.error).toBe("invalid_grant");
    expect((await gateway.call("GET", "/me", first.body.access_token)).body.code).toBe("token_revoked");
    expect((await renew(gateway, first.body.refresh_token)).body.error).toBe("invalid_grant");
    expect(await clientsOf(gateway, ana.token)).toEqual([]);
    const audit = await gateway.call("GET", "/audit", gateway.admin);
    expect(audit.body.map(({ event }: { event: string }) => event)).toContain("oauth-code.reused");
  });

  test("a second time before the first one has given anything: it gives nothing", async () => {
    const { gateway, browser, ana } = await signedIn();
    const { form } = await allowedCode(browser);
    const { signIns } = gateway.gateway.store;
    const create = signIns.createClient.bind(signIns);
    vi.spyOn(signIns, "createClient").mockImplementationOnce(async (...args) => {
      expect((await askForTokens(gateway, form)).body.error).toBe("invalid_grant");
      return await create(...args);
    });
    expect((await askForTokens(gateway, form)).body.error).toBe("invalid_grant");
    expect(await clientsOf(gateway, ana.token)).toEqual([]);
  });

  test("eight times at once: one at most gets something, and keeps nothing", async () => {
    const { gateway, browser, ana } = await signedIn();
    for (let round = 0; round < 5; round++) {
      const { form } = await allowedCode(browser);
      const answers = await Promise.all(Array.from({ length: 8 }, () => askForTokens(gateway, form)));
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      for (const { status, body } of answers)
        if (status !== 200) expect(body.error).toMatch(/^(invalid_grant|temporarily_unavailable)$/);
    }
    expect(await clientsOf(gateway, ana.token)).toEqual([]);
  });
});

describe("an answer goes nowhere else", () => {
  test.each([
    "https://evil.example/signed-in",
    "http://localhost:54321/signed-in",
    "http://127.0.0.1:54321@evil.example/signed-in",
    "http://127.0.0.1:0/signed-in",
    "http://127.0.0.1:54321/signed-in/..",
    "http://127.0.0.1:54321/signed-in#x",
    "http://127.0.0.1:54321/Signed-in",
    "//evil.example",
    "javascript:alert(1)//127.0.0.1:54321/signed-in",
    EDITOR_REDIRECT,
  ])("%s", async (uri) => {
    const { gateway, browser } = await signedIn();
    const query = authorizationQuery(newVerifier().challenge, { redirect_uri: uri });
    for (const [path, body] of [
      ["/authorizations/prompt", { query }],
      ["/authorizations", { query, allow: true }],
      ["/authorizations", { query, allow: false }],
    ] as const) {
      const answer = await browser.post(path, body);
      expect([answer.status, answer.body.code, answer.body.redirect]).toEqual([
        400,
        "bad_request",
        undefined,
      ]);
    }
    const page = await gateway.send("GET", `/oauth/authorize?${query}`, undefined, { redirect: "manual" });
    expect(page.headers.get("location")).toBeNull();
    await page.text();
  });

  test("the code for an editor goes to the editor, and only the same address swaps it", async () => {
    const { gateway, browser } = await signedIn();
    const changes = { client_id: "sallyport-vscode", redirect_uri: EDITOR_REDIRECT };
    const { form } = await allowedCode(browser, changes);
    const tokens = await askForTokens(gateway, form);
    expect(tokens.status).toBe(200);
    const { form: again } = await allowedCode(browser, changes);
    const without = await askForTokens(gateway, {
      ...again,
      redirect_uri: EDITOR_REDIRECT.replace(/\?.*/, ""),
    });
    expect(without.body.error).toBe("invalid_grant");
  });
});

describe("consent is given by a person on a page of the gateway", () => {
  const body = (challenge: string) => ({ query: authorizationQuery(challenge), allow: true });

  test("never by GET", async () => {
    const { gateway, browser, ana } = await signedIn();
    const query = authorizationQuery(newVerifier().challenge);
    const headers = { cookie: browser.cookie, ...OWN_PAGE };
    for (const path of [
      `/oauth/authorize?${query}&approved=yes&allow=true&prompt=none`,
      `/api/v1/authorizations?${query}&allow=true`,
      `/api/v1/authorizations?allow=true&query=${encodeURIComponent(query)}`,
      `/device?user_code=BCDF-GHJK&allow=true`,
    ]) {
      const answer = await gateway.send("GET", path, undefined, { headers, redirect: "manual" });
      expect([answer.headers.get("location"), answer.headers.get("set-cookie")], path).toEqual([null, null]);
      expect(await answer.text()).not.toContain("spc_");
    }
    expect(await clientsOf(gateway, ana.token)).toEqual([]);
  });

  test.each([
    ["a sibling", { "sec-fetch-site": "same-site" }],
    ["a stranger", { "sec-fetch-site": "cross-site" }],
    ["nobody, by typing", { "sec-fetch-site": "none" }],
    ["a page with a different origin", { "sec-fetch-site": "", origin: "https://evil.example" }],
    ["a page without an origin", { "sec-fetch-site": "", origin: "null" }],
  ])("never from %s", async (_who, headers) => {
    const { browser } = await signedIn();
    for (const [path, sent] of [
      ["/authorizations", body(newVerifier().challenge)],
      ["/authorizations/prompt", { query: authorizationQuery(newVerifier().challenge) }],
      ["/device-codes", { userCode: "BCDF-GHJK", allow: true }],
      ["/device-codes/prompt", { userCode: "BCDF-GHJK" }],
    ] as const) {
      const answer = await browser.post(path, sent, headers);
      expect([answer.status, answer.body.code], path).toEqual([401, "unauthenticated"]);
    }
  });

  test("never by what a form can send, and never to who only has an access token", async () => {
    const { gateway, browser, ana } = await signedIn();
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
    ]) {
      const answer = await browser.post("/authorizations", body(newVerifier().challenge), {
        "content-type": type,
      });
      expect([answer.status, answer.body.code], type).toEqual([415, "unsupported_media_type"]);
    }
    const answer = await gateway.raw("POST", "/api/v1/authorizations", ana.token, {
      body: JSON.stringify(body(newVerifier().challenge)),
      headers: { "content-type": "application/json", ...OWN_PAGE },
    });
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    const { access_token } = await signClientIn(gateway, browser);
    const { body: refused } = await gateway.raw("POST", "/api/v1/authorizations", access_token, {
      body: JSON.stringify(body(newVerifier().challenge)),
      headers: { "content-type": "application/json", ...OWN_PAGE, cookie: browser.cookie },
    });
    expect(refused.code).toBe("forbidden");
  });

  test("only shortly after they proved who they are; anybody may decline", async () => {
    const { gateway, browser } = await signedIn();
    const database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
    const before = new Date(Date.now() - 11 * 60_000).toISOString();
    database.prepare("update sign_ins set authenticated_at = ?").run(before);
    database.close();
    const query = authorizationQuery(newVerifier().challenge);
    for (const [path, sent] of [
      ["/authorizations/prompt", { query }],
      ["/authorizations", { query, allow: true }],
      ["/device-codes/prompt", { userCode: "BCDF-GHJK" }],
      ["/device-codes", { userCode: "BCDF-GHJK", allow: true }],
    ] as const) {
      expect((await browser.post(path, sent)).body.code, path).toBe("reauthentication_required");
    }
    const declined = await browser.post("/authorizations", { query, allow: false });
    expect(declined.body.redirect).toContain("error=access_denied");
  });
});
