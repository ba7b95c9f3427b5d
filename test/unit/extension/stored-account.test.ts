import { expect, test } from "vitest";
import {
  formatStoredAccounts,
  parseStoredAccounts,
  type StoredAccount,
  sessionId,
  withAccount,
} from "../../../extension/accounts/stored-account.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { newAccessToken } from "../../../protocol/values/token.ts";

const account = (name: string, gateway = "https://gw.example"): StoredAccount => ({
  gateway: parseGatewayUrl(gateway),
  account: parseName(name),
  token: newAccessToken(),
  allowPlainHttp: false,
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
