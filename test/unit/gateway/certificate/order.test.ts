// An order, with an authority that is a function: what Pebble never does.

import { createPrivateKey, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { AcmeError } from "../../../../gateway/certificate/acme/acme-error.ts";
import { orderCertificate, type PendingChallenge } from "../../../../gateway/certificate/acme/order.ts";
import {
  challengeCertificate,
  keyPem,
  newKey,
} from "../../../../gateway/certificate/acme/own-certificate.ts";
import { AcmeSession } from "../../../../gateway/certificate/acme/session.ts";
import { ACCOUNT, type Answer, authority, BASE, problem } from "./authority.ts";

const TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
const NAME = "gateway.example";

const order = (status: string, more: object = {}): Answer => ({
  status: 201,
  headers: { location: `${BASE}/order/1` },
  body: { status, authorizations: [`${BASE}/authz`], finalize: `${BASE}/finalize`, ...more },
});
const challenge = (type: string, more: object = {}) => ({
  type,
  url: `${BASE}/challenge/${type}`,
  status: "pending",
  token: TOKEN,
  ...more,
});
const BOTH = [challenge("dns-01"), challenge("http-01"), challenge("tls-alpn-01")];
const authorization = (status: string, challenges: readonly object[] = BOTH, value = NAME): Answer => ({
  body: { status, identifier: { type: "dns", value }, challenges },
});

/** Runs an order; `answers` are the authority's, where they differ from those of a good one. */
async function run(
  answers: Readonly<Record<string, readonly Answer[]>>,
  { replaces, key = newKey() }: { replaces?: string; key?: KeyObject } = {},
) {
  const { send, asked } = authority({
    "/order": [order("pending")],
    "/order/1": [order("ready"), order("valid", { certificate: `${BASE}/certificate` })],
    "/authz": [authorization("pending"), authorization("valid")],
    "/challenge/http-01": [{ body: BOTH[1] }],
    "/challenge/tls-alpn-01": [{ body: BOTH[2] }],
    "/finalize": [order("processing")],
    "/certificate": [{ body: challengeCertificate(NAME, "", new Date()) }],
    ...answers,
  });
  const answered: PendingChallenge[] = [];
  let open = 0;
  const session = await AcmeSession.open(send, `${BASE}/directory`, ACCOUNT);
  const wanted = { names: [NAME], kinds: ["tls-alpn-01", "http-01"] as const, key, replaces };
  let chain: string | undefined;
  const error = await orderCertificate(
    session,
    wanted,
    async (pending) => {
      answered.push(pending);
      open++;
      return {
        [Symbol.asyncDispose]: async () => {
          open--;
        },
      };
    },
    new AbortController().signal,
  ).then(
    (issued) => {
      chain = issued;
    },
    (reason: unknown) => reason,
  );
  if (error !== undefined && !(error instanceof AcmeError)) throw error;
  return { error, chain, answered, asked, open };
}

describe("an order", () => {
  test("takes the first kind of challenge that is offered, answers it, and takes the answer back", async () => {
    const { answered, open, asked } = await run({});
    expect(answered).toEqual([
      {
        kind: "tls-alpn-01",
        name: NAME,
        token: TOKEN,
        keyAuthorization: expect.stringMatching(new RegExp(`^${TOKEN}\\.[A-Za-z0-9_-]{43}$`)),
      },
    ]);
    expect(open).toBe(0);
    expect(asked).toContain("/challenge/tls-alpn-01");
    const other = await run({
      "/authz": [authorization("pending", BOTH.slice(0, 2)), authorization("valid")],
    });
    expect(other.answered.map(({ kind }) => kind)).toEqual(["http-01"]);
  });

  test("proves nothing where the authority remembers a proof", async () => {
    const { answered, asked } = await run({ "/authz": [authorization("valid")] });
    expect(answered).toEqual([]);
    expect(asked).toContain("/finalize");
  });

  test("ends with the reason of a challenge that failed, and takes its answer back", async () => {
    const failed = challenge("tls-alpn-01", { status: "invalid", error: { detail: "no route to you" } });
    const { error, open, asked } = await run({
      "/authz": [authorization("pending"), authorization("invalid", [failed])],
    });
    expect(error).toMatchObject({
      code: "acme_challenge_failed",
      message: expect.stringContaining(`${NAME} by tls-alpn-01: no route to you. The name has to lead`),
    });
    expect(open).toBe(0);
    expect(asked).not.toContain("/finalize");
  });

  test.each([
    [{ "/authz": [authorization("pending", [challenge("dns-01")])] }, "acme_no_challenge"],
    [
      { "/authz": [authorization("pending", [challenge("http-01", { token: "../../etc" })])] },
      "acme_malformed",
    ],
    [{ "/authz": [authorization("pending", [challenge("http-01", { url: "http://x" })])] }, "acme_malformed"],
    [{ "/authz": [authorization("pending", BOTH, "../stranger.example")] }, "acme_malformed"],
    [{ "/order/1": [order("invalid", { error: { detail: "CAA" } })] }, "acme_refused"],
    [{ "/certificate": [{ body: "<html>" }] }, "acme_malformed"],
    // A certificate for the right name, and a key that is not ours.
    [{}, "acme_malformed"],
  ] satisfies [Record<string, Answer[]>, string][])(
    "that is answered by %j ends with %s",
    async (answers, code) => {
      const { error, open } = await run(answers);
      expect(error).toMatchObject({ code });
      expect(open).toBe(0);
    },
  );

  test("takes nothing but certificates, which the gateway's own key is stored beside", async () => {
    const own = challengeCertificate(NAME, "", new Date());
    const certificate = own.slice(own.indexOf("-----BEGIN CERTIFICATE-----"));
    const { chain, error } = await run(
      { "/certificate": [{ body: `${keyPem(newKey())}${own}${keyPem(newKey())}` }] },
      { key: createPrivateKey(own) },
    );
    expect(error).toBeUndefined();
    expect(chain?.trim()).toBe(certificate.trim());
    expect(chain).not.toContain("KEY");
  });

  test("does not take a chain that the gateway could not serve, in the place of one that works", async () => {
    const own = challengeCertificate(NAME, "", new Date());
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const { error } = await run({ "/certificate": [{ body: own + broken }] }, { key: createPrivateKey(own) });
    expect(error).toMatchObject({ code: "acme_malformed" });
  });

  test("goes on without what it replaces, where the authority does not know that", async () => {
    const unknown = problem("malformed", "no such certificate", 404);
    const { asked } = await run({ "/order": [unknown, order("pending")] }, { replaces: "issuer.serial" });
    expect(asked.filter((path) => path === "/order")).toHaveLength(2);
    expect(asked).toContain("/certificate");
    const refused = await run({ "/order": [unknown] });
    expect(refused.error).toMatchObject({ code: "acme_refused" });
    expect(refused.asked.filter((path) => path === "/order")).toHaveLength(1);
  });
});
