import { expect, test } from "vitest";
import {
  covers,
  formatStoredAccounts,
  parseStoredAccounts,
  sessionId,
  withAccount,
} from "../../../../extension/accounts/stored-account.ts";
import { parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { newTokenId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { newAccessToken } from "../../../../protocol/values/token.ts";

const account = (name: string, gateway = "https://gw.example") => ({
  gateway: parseGatewayUrl(gateway),
  account: parseName(name),
  token: newAccessToken(),
  allowPlainHttp: false,
  scopes: ["connect"],
});

test("accounts come back from the secret storage as they went in", () => {
  const accounts = [account("ana"), account("bo", "https://other.example")];
  expect(parseStoredAccounts(formatStoredAccounts(accounts))).toEqual(accounts);
});

test("what is not an account is left out, and the others stay", () => {
  const ana = account("ana");
  const text = JSON.stringify([{ ...ana, token: "spt_short" }, null, { ...ana, gateway: "file:///x" }, ana]);
  expect(parseStoredAccounts(text)).toEqual([ana]);
  expect(parseStoredAccounts("{")).toEqual([]);
  expect(parseStoredAccounts(undefined)).toEqual([]);
});

test("signing in again at a gateway takes the place of the account there, and of no other", () => {
  const [first, second, other] = [account("ana"), account("bo"), account("ana", "https://other.example")];
  expect(withAccount([first, other], second)).toEqual([other, second]);
});

test("a session's id names account and gateway, and no secret", () => {
  const ana = account("ana");
  expect(sessionId(ana)).toBe("ana https://gw.example");
  expect(sessionId({ ...ana, ...{ token: newAccessToken() } })).toBe(sessionId(ana));
});

test("a sign-in comes back without a secret, and an account of an older version without its scopes", () => {
  const { token, ...facts } = account("ana");
  const signedIn = { ...facts, signIn: newTokenId() };
  expect(parseStoredAccounts(formatStoredAccounts([signedIn]))).toEqual([signedIn]);
  const { scopes: _, ...old } = { ...facts, token };
  expect(parseStoredAccounts(JSON.stringify([old]))).toEqual([{ ...old, scopes: [] }]);
  expect(parseStoredAccounts(JSON.stringify([{ ...facts, signIn: "x" }]))).toEqual([]);
});

test("an account covers its own gateway and what its credential may do, and nothing else", () => {
  const ana = { ...account("ana"), scopes: ["connect", "account"] };
  for (const wanted of [[], [ana.gateway], ["connect"], [ana.gateway, "account", "connect"]])
    expect(covers(ana, wanted)).toBe(true);
  for (const wanted of [["host"], ["https://other.example"], [ana.gateway, "host"]])
    expect(covers(ana, wanted)).toBe(false);
  expect(covers({ ...ana, scopes: [] }, ["host"])).toBe(true);
  expect(covers({ ...ana, scopes: [] }, ["https://other.example"])).toBe(false);
});
