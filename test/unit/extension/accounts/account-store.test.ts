// The accounts of several windows, with the credentials of sign-ins in the agent's store, which is a real one in a temporary home.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AuthenticationProvider } from "vscode";
import { authorize, newState } from "../../../../agent/client/sign-in/authorization.ts";
import { forgetAccessToken, saveAccessToken } from "../../../../agent/platform/credentials/store.ts";
import { askForTokens } from "../../../../agent/platform/credentials/token-endpoint.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { newAccessToken } from "../../../../protocol/values/token.ts";
import { FakeAuthorizationServer } from "../../../support/fake-authorization-server.ts";
import { authenticationProviders } from "../fake-vscode.ts";
import { SharedSecrets } from "./fake-secrets.ts";

vi.mock("vscode", () => import("../fake-vscode.ts"));
const { AccountStore } = await import("../../../../extension/accounts/account-store.ts");
const { registerAuthenticationProvider } = await import(
  "../../../../extension/accounts/authentication-provider.ts"
);

const log = { debug() {}, info() {}, warn() {}, error() {} };
let home: string;
let server: FakeAuthorizationServer;
let secrets: SharedSecrets;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "sallyport-accounts-"));
  vi.stubEnv("SALLYPORT_CONFIG", home);
  vi.stubEnv("SALLYPORT_KEYCHAIN", "off");
  server = await FakeAuthorizationServer.start();
  secrets = new SharedSecrets();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

const window = (): InstanceType<typeof AccountStore> =>
  Reflect.construct(AccountStore, [secrets.window(), log]);

async function signedIn(accounts: InstanceType<typeof AccountStore>) {
  const client = "sallyport-vscode";
  const authorization = authorize({
    gateway: server.url,
    client,
    redirectUri: "vscode://sallyport.sallyport/signed-in",
    scopes: ["connect", "host"],
    device: "a test",
    state: newState(),
  });
  const { headers } = await fetch(authorization.url, { redirect: "manual" });
  const code = new URL(headers.get("location") ?? "").searchParams.get("code") ?? "";
  const granted = await askForTokens(server.url, client, authorization.formWith(code), { env: {} });
  server.asked.length = 0;
  return { granted, ...(await accounts.addSignIn(server.url, granted, false)) };
}

/** Makes the stored access token look as if it had expired; the windows' memory is a different matter. */
function expire(): void {
  const [file = ""] = readdirSync(join(home, "tokens"));
  const path = join(home, "tokens", file);
  const value = JSON.parse(readFileSync(path, "utf8"));
  value.accessExpiresAt = new Date(Date.now() - 1_000).toISOString();
  writeFileSync(path, JSON.stringify(value));
}

test("a sign-in is in the agent's store alone, and all windows have its account", async () => {
  const [one, two] = [window(), window()];
  await two.list();
  const changed = vi.fn();
  two.onDidChange(changed);
  const { granted, keptIn } = await signedIn(one);
  expect(keptIn).toBe("file");
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1));
  expect(two.known).toMatchObject([
    {
      gateway: server.url,
      account: "ada",
      scopes: ["connect", "host"],
      signIn: granted.credential.renewal.signIn,
    },
  ]);
  const kept = [...secrets.entries.values()].join();
  expect(kept).not.toContain(granted.credential.access);
  expect(kept).not.toContain(granted.credential.renewal.refresh);
  const [account] = two.known;
  if (account === undefined) throw new Error("there is no account");
  expect(await two.token(account)).toBe(granted.credential.access);
  expect(server.asked).toEqual([]);
});

test("many windows that need a new token at once renew it once, and tell so", async () => {
  server.graceSeconds = 0;
  const first = window();
  const { account, granted } = await signedIn(first);
  expire();
  const windows = Array.from({ length: 5 }, window);
  const renewed = vi.fn();
  windows[0]?.onDidRenew(renewed);
  const tokens = await Promise.all(windows.flatMap((one) => [one.token(account), one.token(account)]));
  expect(new Set(tokens).size).toBe(1);
  expect(tokens[0]).not.toBe(granted.credential.access);
  expect(server.asked).toEqual(["refresh_token"]);
  expect(renewed).toHaveBeenCalledTimes(1);
});

test("a token that the gateway refused is replaced whatever its expiry says, and only once", async () => {
  const one = window();
  const { account, granted } = await signedIn(one);
  const { access } = granted.credential;
  const [a, b] = await Promise.all([one.token(account, access), window().token(account, access)]);
  expect(a).toBe(b);
  expect(a).not.toBe(access);
  expect(server.asked).toEqual(["refresh_token"]);
});

test("without the network the token is given as it is, even if it has expired", async () => {
  const { account, granted } = await signedIn(window());
  expire();
  server.isDown = true;
  expect(await window().tokenAsItIs(account)).toBe(granted.credential.access);
  await expect(window().token(account)).rejects.toMatchObject({ stage: "tcp" });
});

test("every window is told when the sign-in was ended elsewhere", async () => {
  const { account } = await signedIn(window());
  server.endAll();
  expire();
  for (const one of [window(), window()]) {
    await expect(one.token(account)).rejects.toMatchObject({ stage: "sign-in", code: "sign_in_ended" });
  }
});

test("signing out ends the sign-in at the gateway and removes it everywhere", async () => {
  const [one, two] = [window(), window()];
  const { account } = await signedIn(one);
  await two.list();
  expect(await two.remove(server.url)).toBeUndefined();
  expect(server.signIns.map(({ ended }) => ended)).toEqual([true]);
  await vi.waitFor(() => expect(one.known).toEqual([]));
  expect(readdirSync(join(home, "tokens"))).toEqual([]);
  await expect(window().token(account)).rejects.toMatchObject({ code: "unauthenticated" });
});

test("signing out without the network forgets it here, and says that the gateway was not told", async () => {
  const one = window();
  await signedIn(one);
  server.isDown = true;
  expect(await one.remove(server.url)).toMatch(/127\.0\.0\.1/);
  expect(one.known).toEqual([]);
  expect(readdirSync(join(home, "tokens"))).toEqual([]);
});

test("where it can be kept nowhere, the sign-in fails, is ended again, and no window has an account", async () => {
  const one = window();
  writeFileSync(join(home, "tokens"), "a file in the way");
  await expect(signedIn(one)).rejects.toMatchObject({ stage: "file" });
  expect(await one.list()).toEqual([]);
  expect(server.signIns.map(({ ended }) => ended)).toEqual([true]);
});

test("a token of a different account that the command line signed in with is not used for this one", async () => {
  const one = window();
  const { account } = await signedIn(one);
  const fresh = window();
  const path = join(home, "gateways.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"ada"', '"eve"'));
  await expect(fresh.token(account)).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a pasted token is kept as before, with a copy for the companion", async () => {
  const one = window();
  const token = newAccessToken();
  const account = {
    gateway: server.url,
    account: parseName("ada"),
    allowPlainHttp: false,
    scopes: [],
    token,
  };
  expect(await one.add(account)).toBe("file");
  expect(await one.token(account)).toBe(token);
  const [file = ""] = readdirSync(join(home, "tokens"));
  expect(readFileSync(join(home, "tokens", file), "utf8")).toBe(`${token}\n`);
  await one.remove(server.url);
  expect(server.asked).toEqual([]);
});

test("what the command line signed in with meanwhile is used, and is not replaced by an old copy", async () => {
  const one = window();
  const pasted = newAccessToken();
  const facts = { account: parseName("ada"), allowPlainHttp: false, scopes: [] };
  const account = { gateway: server.url, ...facts, token: pasted };
  await one.add(account);
  const stored = () =>
    readFileSync(join(home, "tokens", readdirSync(join(home, "tokens"))[0] ?? ""), "utf8").trim();
  const newer = newAccessToken();
  await saveAccessToken(server.url, newer, facts, { env: process.env });
  await one.refreshCopy(account);
  expect(stored()).toBe(newer);
  await forgetAccessToken(server.url, { env: process.env });
  await one.refreshCopy(account);
  expect(stored()).toBe(pasted);

  const { account: signedInAccount } = await signedIn(one);
  await saveAccessToken(server.url, newer, facts, { env: process.env });
  expect(await window().token(signedInAccount)).toBe(newer);
});

describe("as VS Code sees it", () => {
  function provider(accounts: InstanceType<typeof AccountStore>): AuthenticationProvider {
    Reflect.apply(registerAuthenticationProvider, undefined, [accounts, () => Promise.resolve(undefined)]);
    return authenticationProviders.get("sallyport") as AuthenticationProvider;
  }

  test("a session is given without a question and without the network, where its scopes cover what is asked for", async () => {
    const one = window();
    const { granted } = await signedIn(one);
    server.isDown = true;
    const sessions = provider(one);
    const found = async (...scopes: string[]) => (await sessions.getSessions(scopes)).length;
    expect(await sessions.getSessions(undefined)).toMatchObject([
      { accessToken: granted.credential.access, scopes: [server.url, "connect", "host"] },
    ]);
    expect(await found(server.url)).toBe(1);
    expect(await found("connect", server.url)).toBe(1);
    expect(await found("account")).toBe(0);
    expect(await found("https://other.example")).toBe(0);
  });

  test("a token that is about to expire is renewed behind it, and VS Code hears of the new one", async () => {
    const { account } = await signedIn(window());
    expire();
    const one = window();
    await one.list();
    const sessions = provider(one);
    const changed = vi.fn();
    sessions.onDidChangeSessions(changed);
    const [old] = await sessions.getSessions(undefined);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1));
    const [{ changed: [session] = [] }] = changed.mock.calls[0] ?? [{}];
    expect(session.accessToken).not.toBe(old?.accessToken);
    expect(session.accessToken).toBe(await one.token(account));
  });

  test("signing out there ends the sign-in", async () => {
    const one = window();
    await signedIn(one);
    const sessions = provider(one);
    const removed = vi.fn();
    sessions.onDidChangeSessions(removed);
    const [session] = await sessions.getSessions(undefined);
    await sessions.removeSession(session?.id ?? "");
    expect(server.signIns.map(({ ended }) => ended)).toEqual([true]);
    await vi.waitFor(() => expect(removed).toHaveBeenCalledTimes(1));
    expect(removed.mock.calls[0]?.[0]).toMatchObject({
      added: [],
      changed: [],
      removed: [{ id: session?.id }],
    });
  });
});
