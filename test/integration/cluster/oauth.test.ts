// The authorization server in two processes: what must happen once happens once, and what is counted is counted together.

import { afterAll, beforeAll, expect, test } from "vitest";
import { OAUTH_PATHS } from "../../../protocol/sign-in/oauth.ts";
import {
  allowedCode,
  askForDeviceCode,
  askForTokens,
  type Browser,
  CLI,
  gatewayAt,
  poll,
  postForm,
  renew,
  signBrowserIn,
  signClientIn,
} from "../../support/oauth.ts";
import type { Answer } from "../../support/test-gateway.ts";
import { type Line, Workers } from "./harness.ts";

let workers: Workers;
let gateway: ReturnType<typeof gatewayAt>;
beforeAll(async () => {
  workers = await Workers.start("--log-level", "debug");
  gateway = gatewayAt(workers.url);
});
afterAll(() => workers?.close());

let made = 0;
async function person(): Promise<{ readonly token: string; readonly browser: Browser }> {
  const account = await (await workers.call("POST", "accounts", { name: `p${made++}` })).json();
  const wanted = { title: "test", scopes: ["connect", "account", "host"] };
  const { id } = Object(account);
  const { token } = Object(await (await workers.call("POST", `accounts/${id}/tokens`, wanted)).json());
  return { token, browser: await signBrowserIn(gateway, token) };
}

async function clientsOf(token: string): Promise<number> {
  const { body } = await gateway.raw("GET", "/api/v1/sign-ins", token);
  return body.filter(({ kind }: { kind: string }) => kind === "client").length;
}

/** Repeats `round` until both workers have answered requests of this route during it, so that the two did meet. */
async function onBoth(route: string, round: () => Promise<void>): Promise<void> {
  const count = (): number => workers.log().filter((line) => line.route === route).length;
  for (let tries = 0; tries < 20; tries++) {
    const before = count();
    await round();
    const lines: Line[] = workers.log().filter((line) => line.route === route);
    if (new Set(lines.slice(before).map(({ worker }) => worker)).size === 2) return;
  }
  throw new Error("one worker took everything");
}

const atOnce = (ask: () => Promise<Answer>): Promise<Answer[]> => Promise.all(Array.from({ length: 8 }, ask));

test("a code that comes eight times at once gives one sign-in at most, which ends", async () => {
  const { token, browser } = await person();
  await onBoth(OAUTH_PATHS.token, async () => {
    const { form } = await allowedCode(browser);
    const answers = await atOnce(() => askForTokens(gateway, form));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect(await clientsOf(token)).toBe(0);
  });
});

test("a device code that comes eight times at once gives one sign-in", async () => {
  const { token, browser } = await person();
  let rounds = 0;
  await onBoth(OAUTH_PATHS.token, async () => {
    const { body } = await askForDeviceCode(gateway);
    const allowed = await browser.post("/device-codes", { userCode: body.user_code, allow: true });
    expect(allowed.status).toBe(204);
    const answers = await atOnce(() => poll(gateway, body.device_code));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await clientsOf(token)).toBe(++rounds);
  });
});

test("a refresh token that comes eight times at once leads on to one", async () => {
  const { browser } = await person();
  let { refresh_token: refresh } = await signClientIn(gateway, browser);
  await onBoth(OAUTH_PATHS.token, async () => {
    const answers = await atOnce(() => renew(gateway, refresh));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const [next, ...more] = new Set(answers.map(({ body }) => String(body.refresh_token)));
    expect([next === refresh, more]).toEqual([false, []]);
    refresh = next ?? "";
  });
});

test("a sign-in that is ended in one process is refused in the other one", async () => {
  const { browser } = await person();
  await onBoth("/api/v1/me", async () => {
    const tokens = await signClientIn(gateway, browser);
    const [first] = await atOnce(() => gateway.raw("GET", "/api/v1/me", tokens.access_token));
    expect(first?.status).toBe(200);
    await postForm(gateway, OAUTH_PATHS.revoke, { client_id: CLI, token: tokens.refresh_token });
    for (let i = 0; i < 2; i++) {
      const { status } = await gateway.raw("GET", "/api/v1/me", tokens.access_token);
      expect([401, 429]).toContain(status);
    }
  });
});

test("wrong user codes are counted together", async () => {
  const { browser } = await person();
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++) {
    statuses.push((await browser.post("/device-codes/prompt", { userCode: "BBBB-BBBB" })).status);
  }
  expect(statuses).toEqual([...Array(5).fill(404), ...Array(7).fill(429)]);
  const asked = workers.log().filter(({ route }) => route === "/api/v1/device-codes/prompt");
  expect(new Set(asked.map(({ worker }) => worker)).size).toBe(2);
});
