// A program without a browser signs in: device code, the person's decision on a page, and the polls in between.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { GRANT, OAUTH_PATHS, USER_CODE_PATTERN } from "../../../protocol/sign-in/oauth.ts";
import { askForDeviceCode, poll, postForm, signBrowserIn } from "../../support/oauth.ts";
import { type TestGateway, testGateway } from "../../support/test-gateway.ts";

async function signedIn() {
  const gateway = await testGateway();
  const ana = await gateway.account("ana");
  return { gateway, ana, browser: await signBrowserIn(gateway, ana.token) };
}

/** As if so much time had passed for the device codes. */
function pass(gateway: TestGateway, seconds: number): void {
  const database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
  const before = (time: unknown) => new Date(Date.parse(String(time)) - seconds * 1000).toISOString();
  database.function("before", before);
  database.exec("update device_codes set expires_at = before(expires_at)");
  database.exec("update device_codes set polled_at = before(polled_at) where polled_at is not null");
  database.exec("update device_code_tries set tried_at = before(tried_at)");
  database.close();
}

test("A person types a device's code, sees who asks, and allows it", async () => {
  const { gateway, browser } = await signedIn();
  const { status, body, headers } = await askForDeviceCode(gateway);
  const url = gateway.gateway.httpUrl;
  expect([status, headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(body).toEqual({
    device_code: expect.stringMatching(/^spc_/),
    user_code: expect.stringMatching(USER_CODE_PATTERN),
    verification_uri: `${url}/device`,
    verification_uri_complete: `${url}/device?user_code=${body.user_code}`,
    expires_in: 600,
    interval: 5,
  });
  expect((await poll(gateway, body.device_code)).body.error).toBe("authorization_pending");
  const typed = body.user_code.toLowerCase().replace("-", " ");
  const prompt = await browser.post("/device-codes/prompt", { userCode: typed });
  expect(prompt.body).toMatchObject({
    client: "sallyport-cli",
    device: "sallyport on server",
    scopes: ["connect", "account"],
    address: "127.0.0.1",
  });
  // Looking at it allows nothing.
  pass(gateway, 5);
  expect((await poll(gateway, body.device_code)).body.error).toBe("authorization_pending");
  const decided = await browser.post("/device-codes", { userCode: typed, allow: true, scopes: ["connect"] });
  expect(decided.status).toBe(204);
  // It is told at once, also if it asks too early.
  const tokens = await poll(gateway, body.device_code);
  expect(tokens.body).toMatchObject({ token_type: "Bearer", scope: "connect", account: "ana" });
  expect((await gateway.call("GET", "/me", tokens.body.access_token)).status).toBe(200);
  expect((await poll(gateway, body.device_code)).body.error).toBe("invalid_grant");
  const audit = await gateway.call("GET", "/audit", gateway.admin);
  expect(audit.body).toContainEqual(
    expect.objectContaining({
      event: "device-code.approved",
      account: "ana",
      detail: "sallyport on server at 127.0.0.1",
    }),
  );
  for (const secret of [body.device_code, body.user_code])
    expect(gateway.logLines.join("")).not.toContain(secret);
});

test("A device that is declined is told so, and nobody can decide again", async () => {
  const { gateway, browser } = await signedIn();
  const { body } = await askForDeviceCode(gateway);
  expect((await browser.post("/device-codes", { userCode: body.user_code, allow: false })).status).toBe(204);
  for (let i = 0; i < 2; i++)
    expect((await poll(gateway, body.device_code)).body.error).toBe("access_denied");
  const again = await browser.post("/device-codes", { userCode: body.user_code, allow: true });
  expect([again.status, again.body.code]).toEqual([404, "not_found"]);
  expect((await poll(gateway, body.device_code)).body.error).toBe("access_denied");
});

test("A device that asks too often has to ask less often", async () => {
  const { gateway } = await signedIn();
  const { body } = await askForDeviceCode(gateway);
  const ask = async () => (await poll(gateway, body.device_code)).body.error;
  expect(await ask()).toBe("authorization_pending");
  expect(await ask()).toBe("slow_down");
  pass(gateway, 6);
  // It was told to wait five seconds longer.
  expect(await ask()).toBe("slow_down");
  pass(gateway, 20);
  expect(await ask()).toBe("authorization_pending");
});

test("A device code ends after ten minutes, and its user code with it", async () => {
  const { gateway, browser } = await signedIn();
  const { body } = await askForDeviceCode(gateway);
  pass(gateway, 601);
  expect((await poll(gateway, body.device_code)).body.error).toBe("expired_token");
  expect((await browser.post("/device-codes/prompt", { userCode: body.user_code })).body.code).toBe(
    "not_found",
  );
});

test("Of several that ask for an approved code, one gets a sign-in", async () => {
  const { gateway, browser, ana } = await signedIn();
  const { body } = await askForDeviceCode(gateway);
  await browser.post("/device-codes", { userCode: body.user_code, allow: true });
  const answers = await Promise.all(Array.from({ length: 8 }, () => poll(gateway, body.device_code)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const listed = await gateway.call("GET", "/sign-ins", ana.token);
  expect(listed.body.filter(({ kind }: { kind: string }) => kind === "client")).toHaveLength(1);
});

test("A code that was asked for as one client is of no use to the other one", async () => {
  const { gateway, browser } = await signedIn();
  const { body } = await askForDeviceCode(gateway);
  await browser.post("/device-codes", { userCode: body.user_code, allow: true });
  expect((await poll(gateway, body.device_code, "sallyport-vscode")).body.error).toBe("invalid_grant");
  expect((await poll(gateway, body.device_code)).status).toBe(200);
});

test("An approval is worth nothing once the session in which it was given has ended", async () => {
  const { gateway, browser, ana } = await signedIn();
  const { body } = await askForDeviceCode(gateway);
  await browser.post("/device-codes", { userCode: body.user_code, allow: true });
  await gateway.call("DELETE", `/sign-ins/${browser.id}`, ana.token);
  expect((await poll(gateway, body.device_code)).body.error).toBe("access_denied");
});

describe("bounds", () => {
  test("five wrong codes, and the account has to wait, whatever it types then", async () => {
    const { gateway, browser } = await signedIn();
    const { body } = await askForDeviceCode(gateway);
    const type = (userCode: string) => browser.post("/device-codes/prompt", { userCode });
    for (const wrong of ["BBBB-BBBB", "not a code", "", "BCDFGHJK", "AEIO-UAEI"]) {
      expect((await type(wrong)).body.code).toBe("not_found");
    }
    for (const code of ["BBBB-BBBB", body.user_code]) {
      const refused = await type(code);
      expect([refused.status, refused.body.code]).toEqual([429, "rate_limited"]);
      expect((await browser.post("/device-codes", { userCode: code, allow: true })).status).toBe(429);
    }
    const bo = await signBrowserIn(gateway, (await gateway.account("bo")).token);
    expect((await bo.post("/device-codes/prompt", { userCode: body.user_code })).status).toBe(200);
    pass(gateway, 600);
    const { body: next } = await askForDeviceCode(gateway);
    expect((await type(next.user_code)).status).toBe(200);
  });

  test("twenty wrong codes of one address", async () => {
    const { gateway } = await signedIn();
    for (let account = 0; account < 4; account++) {
      const browser = await signBrowserIn(gateway, (await gateway.account(`p${account}`)).token);
      for (let i = 0; i < 5; i++) {
        expect((await browser.post("/device-codes/prompt", { userCode: "BBBB-BBBB" })).status).toBe(404);
      }
    }
    const browser = await signBrowserIn(gateway, (await gateway.account("last")).token);
    expect((await browser.post("/device-codes/prompt", { userCode: "BBBB-BBBB" })).status).toBe(429);
  });

  test("ten waiting codes of one address", async () => {
    const { gateway } = await signedIn();
    for (let i = 0; i < 10; i++) expect((await askForDeviceCode(gateway)).status).toBe(200);
    const refused = await askForDeviceCode(gateway);
    expect([refused.status, refused.body.error]).toEqual([429, "temporarily_unavailable"]);
  });
});

test.each([
  [{ client_id: "evil" }, "invalid_client"],
  [{ scope: "admin" }, "invalid_scope"],
  [{ device: "a\u202eb" }, "invalid_request"],
  [{ device: "a".repeat(101) }, "invalid_request"],
])("No device code for %j", async (changes, error) => {
  const gateway = await testGateway();
  const answer = await askForDeviceCode(gateway, changes);
  expect([answer.status, answer.body.error]).toEqual([400, error]);
});

test("Device codes can be turned off", async () => {
  const gateway = await testGateway({ deviceCodes: false });
  const browser = await signBrowserIn(gateway, (await gateway.account("ana")).token);
  const { body: metadata } = await gateway.raw("GET", OAUTH_PATHS.metadata);
  expect(metadata.device_authorization_endpoint).toBeUndefined();
  expect(metadata.grant_types_supported).not.toContain(GRANT.device);
  expect((await gateway.call("GET", "/sign-in-methods")).body.deviceCodes).toBe(false);
  expect((await askForDeviceCode(gateway)).body.error).toBe("unauthorized_client");
  expect((await poll(gateway, "spc_x")).body.error).toBe("unsupported_grant_type");
  for (const path of ["/device-codes", "/device-codes/prompt"]) {
    const answer = await browser.post(path, {
      userCode: "BCDF-GHJK",
      ...(path.endsWith("s") ? { allow: true } : {}),
    });
    expect([answer.status, answer.body.code], path).toEqual([403, "forbidden"]);
  }
  const device = await postForm(gateway, OAUTH_PATHS.device, {});
  expect(device.body.error).toBe("invalid_client");
});
