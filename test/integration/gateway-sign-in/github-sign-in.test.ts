// Sign-in by GitHub Enterprise: the numeric id is who somebody is, and only an active member of an organization comes in.

import { expect, test } from "vitest";
import { startFakeGithub } from "../../support/identity/fake-github.ts";
import { startWith } from "../../support/identity/gateway-with-provider.ts";
import { freePort } from "../../support/loopback.ts";

const SECRET = "a-secret-of-the-client-1234567890";

async function site(settings: Readonly<Record<string, unknown>> = {}) {
  const github = await startFakeGithub(SECRET);
  const url = `http://127.0.0.1:${await freePort()}`;
  const entry = {
    id: "main",
    kind: "github",
    baseUrl: github.url,
    clientId: "c",
    clientSecretFile: "secret",
    ...settings,
  };
  const gateway = await startWith(url, [entry], SECRET);
  const enter = async () => {
    const browser = gateway.browser();
    const visit = await gateway.signIn(browser);
    return { browser, visit, error: visit.url.searchParams.get("error") };
  };
  return { ...gateway, github, enter };
}

test("A person is their number: a name that was given away to somebody else opens nothing", async () => {
  const { github, enter, session, url } = await site();
  const ana = await enter();
  expect((await session(ana.browser)).body).toMatchObject({ account: { name: "ana" }, method: "github" });
  expect((await ana.browser.api("GET", `${url}/api/v1/identities`)).body).toMatchObject([
    { issuer: github.url, subject: "4711", name: "ana@corp.example" },
  ]);
  // Ana is called something else now.
  github.user = { id: 4_711, login: "ana-maria" };
  expect((await session((await enter()).browser)).body.account.name).toBe("ana");
  // And somebody else has her old name and, for what GitHub says, her address.
  github.user = { id: 9_999, login: "ana" };
  const other = await enter();
  expect(other.visit.url.pathname).toBe("/welcome/name");
  expect((await session(other.browser)).status).toBe(401);
});

test("Only an active member comes in, and an owner can be an administrator", async () => {
  const { github, enter, session } = await site({ organizations: ["corp"], adminGroups: ["corp:owners"] });
  expect((await enter()).error).toBe("sign_in_refused");
  github.memberships.set("corp", { state: "pending", role: "member" });
  expect((await enter()).error).toBe("sign_in_refused");
  github.memberships.set("corp", { state: "active", role: "member" });
  expect((await session((await enter()).browser)).body.account.admin).toBe(false);
  github.memberships.set("corp", { state: "active", role: "admin" });
  expect((await session((await enter()).browser)).body.account.admin).toBe(true);
});

test("Only a primary address that GitHub has verified counts for a domain", async () => {
  const { github, enter } = await site({ allowDomains: ["corp.example"] });
  for (const emails of [
    [],
    [{ email: "ana@corp.example", primary: false, verified: true }],
    [{ email: "ana@corp.example", primary: true, verified: false }],
    [{ email: "ana@corp.example", primary: true, verified: "true" }],
    [
      { email: "ana@evil.example", primary: true, verified: true },
      { email: "ana@corp.example", verified: true },
    ],
    { message: "no" },
  ]) {
    github.emails = emails;
    expect((await enter()).error, JSON.stringify(emails)).toBe("sign_in_refused");
  }
  github.emails = [{ email: "ana@corp.example", primary: true, verified: true }];
  expect((await enter()).error).toBeNull();
});

test("Errors with status 200, ids that are none and a GitHub that is down let nobody in", async () => {
  const { github, enter } = await site();
  github.tokenError = "bad_verification_code";
  expect((await enter()).error).toBe("sign_in_refused");
  github.tokenError = undefined;
  for (const id of [undefined, null, "4711", 0, -1, 1.5, 2 ** 53, [4_711]]) {
    github.user = { id, login: "ana" };
    expect((await enter()).error, String(id)).toBe("sign_in_refused");
  }
  github.user = { id: 4_711, login: "ana" };
  const { browser, signIn } = await site();
  // A code of somebody else's attempt: the verifier does not fit.
  const mixed = browser();
  mixed.stopAt = (at) => at.pathname === "/sign-in/callback/main";
  const one = await signIn(mixed);
  await signIn(mixed);
  mixed.stopAt = () => false;
  expect((await mixed.open(one.url.href, "cross-site")).url.searchParams.get("error")).toBe(
    "sign_in_refused",
  );
  github.down = true;
  expect((await enter()).error).toBe("provider_unavailable");
});

test("Who takes the authorization back at GitHub is signed out", async () => {
  const { github, enter, session, gateway, url } = await site();
  const { browser } = await enter();
  const identity = await gateway.store.identities.find(github.url, "4711");
  if (identity === undefined) throw new Error("nobody signed in");
  const [signIn] = await gateway.store.signIns.byIdentity(identity.id);
  if (signIn === undefined) throw new Error("nobody signed in");
  // The last answer is a quarter of an hour old.
  await gateway.store.providerSignIns.noteChecked(signIn.id, new Date(Date.now() - 16 * 60_000), undefined);
  github.revoked = true;
  expect((await session(browser)).body.code).toBe("token_revoked");
  expect((await browser.api("GET", `${url}/api/v1/identities`)).status).toBe(401);
});
