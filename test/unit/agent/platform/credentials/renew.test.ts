// A sign-in that is renewed: when, by whom, and what is left when something fails in between.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommandError } from "../../../../../agent/platform/command-error.ts";
import {
  formatCredential,
  parseCredential,
  type RenewableCredential,
} from "../../../../../agent/platform/credentials/credential.ts";
import { readGateways } from "../../../../../agent/platform/credentials/gateways.ts";
import type { Keychain } from "../../../../../agent/platform/credentials/keychain.ts";
import {
  forgetAccessToken,
  readAccessToken,
  readStoredCredential,
  type StoreContext,
  saveCredential,
} from "../../../../../agent/platform/credentials/store.ts";
import { tokenFile } from "../../../../../agent/platform/credentials/token-file.ts";
import type { HttpAnswer, HttpRequest } from "../../../../../agent/platform/network/http-request.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { newTokenId } from "../../../../../protocol/values/id.ts";
import { parseName } from "../../../../../protocol/values/name.ts";
import { newAccessToken, newRefreshToken } from "../../../../../protocol/values/token.ts";

const gateway = parseGatewayUrl("https://gw.example");
const facts = { account: parseName("ada"), allowPlainHttp: false };

let home: string;
let env: Record<string, string>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  env = { HOME: home, SALLYPORT_KEYCHAIN: "off" };
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function credential(secondsLeft: number): RenewableCredential {
  return {
    access: newAccessToken(),
    renewal: {
      accessExpiresAt: new Date(Date.now() + secondsLeft * 1000).toISOString(),
      refresh: newRefreshToken(),
      signIn: newTokenId(),
      client: "sallyport-cli",
    },
  };
}

function answer(status: number, body: object): HttpAnswer {
  return {
    status,
    header: () => undefined,
    body: (async function* () {
      yield Buffer.from(JSON.stringify(body));
    })(),
  };
}

function tokens({ access, renewal }: RenewableCredential): HttpAnswer {
  return answer(200, {
    access_token: access,
    token_type: "Bearer",
    expires_in: 3_600,
    refresh_token: renewal.refresh,
    scope: "connect host",
    account: "ada",
    sign_in: renewal.signIn,
  });
}

/** A gateway that answers in this manner; the requests that came are kept. */
function sending(respond: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>) {
  const requests: HttpRequest[] = [];
  const context: StoreContext = {
    env,
    send: async (request) => {
      requests.push(request);
      return await respond(request);
    },
  };
  return { requests, context };
}

const nobody = () => sending(() => Promise.reject(new Error("must not be asked")));
const down = () => Promise.reject(Object.assign(new Error("down"), { code: "ECONNREFUSED" }));

describe("the stored text", () => {
  test("of a token that nothing renews is the token, as older versions write and read it", () => {
    const access = newAccessToken();
    expect(formatCredential({ access })).toBe(access);
    expect(parseCredential(`${access}\n`)).toEqual({ access });
  });

  test("of a renewable one comes back as it was", () => {
    const renewable = credential(60);
    expect(parseCredential(formatCredential(renewable))).toEqual(renewable);
  });

  test.each(["refresh", "signIn", "client", "access", "accessExpiresAt"])(
    "is refused with a wrong %s",
    (name) => {
      const { access, renewal } = credential(60);
      const text = JSON.stringify({ access, ...renewal, [name]: "x" });
      expect(() => parseCredential(text)).toThrow();
      expect(() => parseCredential(JSON.stringify({ access, ...renewal, [name]: undefined }))).toThrow();
    },
  );
});

test("while the access token is good for more than a minute, nobody is asked", async () => {
  const { context } = nobody();
  const stored = credential(90);
  await saveCredential(gateway, stored, facts, context);
  expect(await readAccessToken(gateway, context)).toMatchObject({ token: stored.access, source: "file" });
});

test("an access token that is about to expire is renewed and kept before it is given out", async () => {
  const [old, next] = [credential(50), credential(3_600)];
  const { requests, context } = sending(() => tokens(next));
  await saveCredential(gateway, old, facts, context);
  expect(await readAccessToken(gateway, context)).toMatchObject({ token: next.access });
  expect(requests[0]?.url.href).toBe("https://gw.example/oauth/token");
  expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toEqual({
    grant_type: "refresh_token",
    client_id: "sallyport-cli",
    refresh_token: old.renewal.refresh,
  });
  expect(readFileSync(tokenFile(gateway, env), "utf8")).toContain(next.renewal.refresh);
  expect(readFileSync(tokenFile(gateway, env), "utf8")).not.toContain(old.renewal.refresh);
  await readAccessToken(gateway, context);
  expect(requests).toHaveLength(1);
});

test("a clock that was set back does not make an expired token look good", async () => {
  const next = credential(3_600);
  const { context } = sending(() => tokens(next));
  await saveCredential(gateway, credential(3 * 24 * 3_600), facts, context);
  expect((await readAccessToken(gateway, context))?.token).toBe(next.access);
});

test("of many that need it at once, one renews it, and all get the result", async () => {
  const next = credential(3_600);
  const { requests, context } = sending(() => tokens(next));
  await saveCredential(gateway, credential(-10), facts, context);
  const found = await Promise.all(Array.from({ length: 20 }, () => readAccessToken(gateway, context)));
  expect(new Set(found.map((one) => one?.token))).toEqual(new Set([next.access]));
  expect(requests).toHaveLength(1);
});

test("a network that fails is no trouble while the token still lasts", async () => {
  const stored = credential(30);
  const { context } = sending(down);
  await saveCredential(gateway, stored, facts, context);
  expect((await readAccessToken(gateway, context))?.token).toBe(stored.access);
});

test("after that it is told as what it is, and the sign-in is kept for later", async () => {
  const stored = credential(-1);
  const { context } = sending(down);
  await saveCredential(gateway, stored, facts, context);
  await expect(readAccessToken(gateway, context)).rejects.toMatchObject({
    stage: "tcp",
    code: "ECONNREFUSED",
  });
  expect(await readStoredCredential(gateway, context)).toEqual(stored);
});

test("a sign-in that was ended is told with its gateway and what to run, even while the token still lasts", async () => {
  const { context } = sending(() =>
    answer(400, { error: "invalid_grant", error_description: "This sign-in was ended." }),
  );
  await saveCredential(gateway, credential(30), facts, context);
  const reading = readAccessToken(gateway, context);
  await expect(reading).rejects.toMatchObject({ stage: "sign-in", code: "sign_in_ended" });
  await expect(reading).rejects.toThrow(
    "Your sign-in at https://gw.example has ended (This sign-in was ended): run `sallyport login https://gw.example`.",
  );
});

test.each<[string, HttpAnswer]>([
  ["a page", answer(200, {})],
  ["an access token of a different kind", answer(200, { access_token: "x", token_type: "Bearer" })],
  ["a server error", answer(500, { error: "server_error", error_description: "oops" })],
])("an answer that is %s does not end the sign-in", async (_what, wrong) => {
  const stored = credential(-1);
  const { context } = sending(() => wrong);
  await saveCredential(gateway, stored, facts, context);
  await expect(readAccessToken(gateway, context)).rejects.toMatchObject({ stage: "http" });
  expect(await readStoredCredential(gateway, context)).toEqual(stored);
});

test("somebody who signs out while it is renewed stays signed out", async () => {
  const { context } = sending(async () => {
    out = forgetAccessToken(gateway, context);
    return tokens(credential(3_600));
  });
  let out: Promise<boolean> | undefined;
  await saveCredential(gateway, credential(-1), facts, context);
  await readAccessToken(gateway, context);
  expect(await out).toBe(true);
  expect(await readAccessToken(gateway, context)).toBeUndefined();
  expect(() => readFileSync(tokenFile(gateway, env))).toThrow(/ENOENT/);
});

test("a keychain that is locked by the time of the answer does not cost the sign-in", async () => {
  const { SALLYPORT_KEYCHAIN: _, ...desktop } = env;
  const entries = new Map<string, string>();
  let locked = false;
  const keychain: Keychain = {
    get: async (account) => entries.get(account),
    set: async (account, secret) => {
      if (locked)
        throw new CommandError("keychain", "keychain_timeout", "The keychain cannot be used: slow.");
      entries.set(account, secret);
    },
    delete: async (account) => void entries.delete(account),
  };
  const next = credential(3_600);
  const { context: asking } = sending(() => {
    locked = true;
    return tokens(next);
  });
  const context = { ...asking, env: desktop, keychain };
  await saveCredential(gateway, credential(-1), facts, context);
  expect(entries.size).toBe(1);
  expect((await readAccessToken(gateway, context))?.token).toBe(next.access);
  expect(readGateways(desktop).signedIn).toMatchObject([{ url: gateway, tokenIn: "file" }]);
  expect(await readAccessToken(gateway, context)).toMatchObject({ token: next.access, source: "file" });
});
