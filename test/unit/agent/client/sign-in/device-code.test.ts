// How long and how often a command line asks whether the person has entered its code, on a clock of the test's own.

import { describe, expect, test } from "vitest";
import {
  askForDeviceCode,
  type DeviceCode,
  type PollClock,
  pollForTokens,
} from "../../../../../agent/client/sign-in/device-code.ts";
import type { HttpAnswer, HttpRequest } from "../../../../../agent/platform/network/http-request.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { newTokenId } from "../../../../../protocol/values/id.ts";
import { newAccessToken, newRefreshToken } from "../../../../../protocol/values/token.ts";

const gateway = parseGatewayUrl("https://gw.example");
const wish = { gateway, client: "sallyport-cli", scopes: ["connect"], device: "a test" } as const;
const code: DeviceCode = {
  userCode: "BCDF-GHJK",
  verificationUri: `${gateway}/device`,
  verificationUriComplete: `${gateway}/device?code=BCDF-GHJK`,
  deviceCode: "secret",
  expiresInSeconds: 600,
  intervalSeconds: 5,
};
const tokens = {
  access_token: newAccessToken(),
  token_type: "Bearer",
  expires_in: 3_600,
  refresh_token: newRefreshToken(),
  scope: "connect",
  account: "ada",
  sign_in: newTokenId(),
};

function answering(status: number, body: unknown): HttpAnswer {
  return {
    status,
    header: (name) => (name === "content-type" ? "application/json" : undefined),
    body: (async function* () {
      yield Buffer.from(JSON.stringify(body));
    })(),
  };
}

const refused = (error: string) => () => Promise.resolve(answering(400, { error, error_description: error }));
const cut = () => Promise.reject(Object.assign(new Error("cut"), { code: "ECONNRESET" }));
const given = () => Promise.resolve(answering(200, tokens));

/** Runs the poll against these answers in turn; the last one is repeated. Returns how long it waited before each request. */
async function poll(answers: readonly (() => Promise<HttpAnswer>)[], more: Partial<DeviceCode> = {}) {
  const waited: number[] = [];
  const requests: HttpRequest[] = [];
  let now = 0;
  const clock: PollClock = {
    now: () => now,
    sleep: async (ms) => {
      waited.push(ms / 1000);
      now += ms;
    },
  };
  const send = (request: HttpRequest) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? cut;
    requests.push(request);
    return answer();
  };
  const { signal } = new AbortController();
  const granted = pollForTokens(wish, { ...code, ...more }, { env: {}, send, signal }, clock);
  const outcome = await granted.then(
    (value) => value,
    (error: unknown) => error,
  );
  return { outcome, waited, requests };
}

test("asks at the given interval until the person has decided, with the device code in the body only", async () => {
  const pending = refused("authorization_pending");
  const { outcome, waited, requests } = await poll([pending, pending, given]);
  expect(outcome).toMatchObject({
    account: "ada",
    scopes: ["connect"],
    credential: { access: tokens.access_token, renewal: { refresh: tokens.refresh_token } },
  });
  expect(waited).toEqual([5, 5, 5]);
  expect(requests[0]?.url.href).toBe("https://gw.example/oauth/token");
  expect(requests[0]?.headers).toMatchObject({ "content-type": "application/x-www-form-urlencoded" });
  expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toEqual({
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    client_id: "sallyport-cli",
    device_code: "secret",
  });
});

test("asks less often, for good, each time that the gateway says so", async () => {
  const [slower, pending] = [refused("slow_down"), refused("authorization_pending")];
  const { waited } = await poll([slower, pending, slower, pending, given]);
  expect(waited).toEqual([5, 10, 10, 15, 15]);
});

test("goes on through cuts, proxies' error pages and a gateway that restarts, less often while they last", async () => {
  const page = () =>
    Promise.resolve({
      ...answering(502, {}),
      body: (async function* () {
        yield Buffer.from("<html>Bad gateway</html>");
      })(),
    });
  const pending = refused("authorization_pending");
  const { outcome, waited } = await poll([cut, page, refused("server_error"), pending, given]);
  expect(outcome).toMatchObject({ account: "ada" });
  expect(waited).toEqual([5, 10, 20, 40, 5]);
});

describe("ends with words of its own", () => {
  test.each([
    ["where the person declines", "access_denied", "sign_in_denied"],
    ["where the gateway says that the code has expired", "expired_token", "device_code_expired"],
    ["where the gateway does not know the code", "invalid_grant", "sign_in_failed"],
  ])("%s", async (_what, error, expected) => {
    const { outcome, requests } = await poll([refused(error)]);
    expect(outcome).toMatchObject({ stage: "sign-in", code: expected });
    expect(requests).toHaveLength(1);
  });

  test("where nobody decides in time, without a request after that", async () => {
    const { outcome, requests } = await poll([refused("authorization_pending")], { expiresInSeconds: 60 });
    expect(outcome).toMatchObject({ code: "device_code_expired" });
    expect(requests).toHaveLength(11);
  });

  test("where the network stays away until the code has expired", async () => {
    const { outcome } = await poll([cut]);
    expect(outcome).toMatchObject({ code: "device_code_expired" });
  });
});

test("Ctrl-C ends the wait at once", async () => {
  const stop = new AbortController();
  const clock: PollClock = {
    now: () => 0,
    sleep: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        stop.abort(new Error("Ended by SIGINT."));
      }),
  };
  const send = () => Promise.reject(new Error("must not be asked"));
  await expect(pollForTokens(wish, code, { env: {}, send, signal: stop.signal }, clock)).rejects.toThrow(
    "Ended by SIGINT.",
  );
});

describe("the code that a gateway gives", () => {
  const answer = {
    device_code: "secret",
    user_code: "BCDF-GHJK",
    verification_uri: `${gateway}/device`,
    verification_uri_complete: `${gateway}/device?code=BCDF-GHJK`,
    expires_in: 600,
    interval: 5,
  };
  const ask = (more: object) =>
    askForDeviceCode(wish, { env: {}, send: () => Promise.resolve(answering(200, { ...answer, ...more })) });

  test("is taken over", async () => {
    expect(await ask({})).toEqual(code);
  });

  test("without an interval is asked for every 5 s, and never more than once a second", async () => {
    expect((await ask({ interval: undefined })).intervalSeconds).toBe(5);
    expect((await ask({ interval: 0.001 })).intervalSeconds).toBe(1);
  });

  test.each([
    ["a page elsewhere", { verification_uri: "https://gw.example.evil.example/device" }],
    ["a page elsewhere with the code", { verification_uri_complete: "https://evil.example/device" }],
    ["a script", { verification_uri: "javascript:alert(1)" }],
    ["a page with a line break", { verification_uri: `${gateway}/device\nOpen https://evil.example` }],
    ["a code that is none", { user_code: "\u001b[2J" }],
    ["no device code", { device_code: undefined }],
  ])("is not shown if it has %s", async (_what, more) => {
    await expect(ask(more)).rejects.toMatchObject({ stage: "http", code: "not_a_gateway" });
  });
});
