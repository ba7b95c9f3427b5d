// A certificate authority that is a function: it answers requests by a list per path.

import { generateKeyPairSync } from "node:crypto";
import { AccountKey } from "../../../../gateway/certificate/acme/account-key.ts";
import type { AcmeResponse, SendRequest } from "../../../../gateway/certificate/acme/https-request.ts";

export const BASE = "https://ca.example";
export const ACCOUNT = {
  key: new AccountKey(generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey),
  email: null,
  externalAccount: undefined,
};

export type Answer = Partial<Omit<AcmeResponse, "body">> & { readonly body?: unknown };

/** An authority whose answers are given by path; the last one of a path is repeated. */
export function authority(answers: Readonly<Record<string, readonly Answer[]>>): {
  send: SendRequest;
  asked: string[];
} {
  const asked: string[] = [];
  const all: Record<string, readonly Answer[]> = {
    "/directory": [
      {
        body: {
          newNonce: `${BASE}/nonce`,
          newAccount: `${BASE}/account`,
          newOrder: `${BASE}/order`,
        },
      },
    ],
    "/nonce": [{ headers: { "replay-nonce": "first" } }],
    "/account": [{ status: 201, headers: { location: `${BASE}/account/1`, "replay-nonce": "n" }, body: {} }],
    ...answers,
  };
  return {
    asked,
    send: async ({ url }) => {
      const path = url.slice(BASE.length);
      const count = asked.filter((other) => other === path).length;
      asked.push(path);
      const list = all[path] ?? [{ status: 404 }];
      const { status = 200, headers = {}, body = "" } = list[Math.min(count, list.length - 1)] ?? {};
      return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
    },
  };
}

export const problem = (type: string, detail: string, status: number, headers = {}): Answer => ({
  status,
  headers,
  body: { type: `urn:ietf:params:acme:error:${type}`, detail },
});
