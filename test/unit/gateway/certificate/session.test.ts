// Refusals and nonsense of an authority, by an authority that is a function.

import { describe, expect, test } from "vitest";
import { AcmeError } from "../../../../gateway/certificate/acme/acme-error.ts";
import { Order } from "../../../../gateway/certificate/acme/messages.ts";
import { retryAfter } from "../../../../gateway/certificate/acme/retry-after.ts";
import { AcmeSession } from "../../../../gateway/certificate/acme/session.ts";
import { ACCOUNT, type Answer, authority, BASE, problem } from "./authority.ts";

async function order(answers: Readonly<Record<string, readonly Answer[]>>): Promise<AcmeError | undefined> {
  try {
    const session = await AcmeSession.open(authority(answers).send, `${BASE}/directory`, ACCOUNT);
    await session.post(Order, session.directory.newOrder, {}, "order");
    return undefined;
  } catch (error) {
    if (error instanceof AcmeError) return error;
    throw error;
  }
}

describe("an authority", () => {
  test("that asks to come back later is not asked before", async () => {
    const before = Date.now();
    const error = await order({
      "/order": [problem("rateLimited", "too many certificates", 429, { "retry-after": "3600" })],
    });
    expect(error).toMatchObject({
      code: "acme_rate_limited",
      message: expect.stringContaining("too many certificates"),
    });
    expect(error?.notBefore).toBeGreaterThanOrEqual(before + 3_600_000);
  });

  test.each([
    [{ "/directory": [{ body: "<html>" }] }, "acme_malformed"],
    [{ "/directory": [{ body: { newNonce: "http://ca.example/nonce" } }] }, "acme_malformed"],
    [{ "/directory": [{ status: 404, body: "not here" }] }, "acme_malformed"],
    [{ "/directory": [{ status: 503 }] }, "acme_unreachable"],
    [{ "/nonce": [{}] }, "acme_malformed"],
    [{ "/account": [problem("externalAccountRequired", "which account?", 403)] }, "acme_account"],
    [{ "/account": [{ status: 201, headers: { location: "http://ca.example/1" } }] }, "acme_malformed"],
    [{ "/order": [problem("rejectedIdentifier", "not that name", 400)] }, "acme_refused"],
    [{ "/order": [{ status: 201, body: { status: "pending" } }] }, "acme_malformed"],
    [{ "/order": [problem("serverInternal", "oops", 500)] }, "acme_unreachable"],
  ] satisfies [Record<string, Answer[]>, string][])(
    "that answers %j is reported as %s",
    async (answers, code) => {
      expect(await order(answers)).toMatchObject({ code });
    },
  );

  test("that refuses nonces is asked again with the new one, but not for ever", async () => {
    const stale = problem("badNonce", "stale", 400, { "replay-nonce": "next" });
    const fine: Answer = {
      status: 201,
      headers: { location: `${BASE}/account/1`, "replay-nonce": "n" },
      body: {},
    };
    const patient = authority({ "/account": [stale, stale, fine] });
    await AcmeSession.open(patient.send, `${BASE}/directory`, ACCOUNT);
    expect(patient.asked).toEqual(["/directory", "/nonce", "/account", "/account", "/account"]);
    const stubborn = authority({ "/account": [stale] });
    await expect(AcmeSession.open(stubborn.send, `${BASE}/directory`, ACCOUNT)).rejects.toThrow(AcmeError);
    expect(stubborn.asked.length).toBe(12);
  });

  test("cannot put control characters into a log", async () => {
    const error = await order({ "/order": [problem("malformed", "a\u001b[2Jb\nc\u202e", 400)] });
    expect(error?.message).toBe("The certificate authority refused: a�[2Jb�c�.");
  });
});

test("Retry-After is seconds or a date, and at most a week", () => {
  const now = Date.UTC(2026, 11, 1);
  expect(retryAfter("120", now)).toBe(now + 120_000);
  expect(retryAfter("Tue, 01 Dec 2026 01:00:00 GMT", now)).toBe(now + 3_600_000);
  expect(retryAfter("Tue, 01 Dec 2020 01:00:00 GMT", now)).toBe(now);
  expect(retryAfter("999999999", now)).toBe(now + 7 * 86_400_000);
  expect(retryAfter("soon", now)).toBeUndefined();
  expect(retryAfter(undefined, now)).toBeUndefined();
});
