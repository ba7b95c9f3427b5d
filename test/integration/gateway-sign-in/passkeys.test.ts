// Passkeys by an authenticator in software, which also says what no browser would.

import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findProgram } from "../../support/programs/find-program.ts";
import { SoftPasskey } from "../../support/soft-passkey.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";
import { browserAt, passkeyGateway, type Requests } from "./browser-requests.ts";

const OPENSSL = findProgram("openssl", []);

/** Signs in by a one-use link, as somebody who may add passkeys. */
async function signedIn(name = "admin") {
  const gateway = await passkeyGateway();
  const link = await gateway.call("POST", "/invitations", gateway.admin, { kind: "sign-in", name });
  const browser = browserAt(gateway);
  const entered = await browser.post("/session/link", { code: codeOf(link.body.link) });
  expect(entered.status, JSON.stringify(entered.body)).toBe(200);
  return { gateway, browser, origin: gateway.origin };
}

const codeOf = (link: string): string => link.slice(link.indexOf("#") + 1);

async function addPasskey(browser: Requests, origin: string, passkey = new SoftPasskey()) {
  const { body } = await browser.post("/passkeys/options");
  const response = passkey.create(body.options, { origin });
  return { passkey, added: await browser.post("/passkeys", { response, title: "laptop" }) };
}

async function enter(browser: Requests, origin: string, passkey: SoftPasskey, said: object = {}) {
  const { body } = await browser.post("/session/passkey/options");
  return browser.post("/session/passkey", { response: passkey.get(body.options, { origin, ...said }) });
}

const refused = (code: string, status: number) => ({ status, body: { code } });

describe("a passkey", () => {
  test("signs its account in, without a name, and confirms who it is in a session of that account", async () => {
    const { gateway, browser, origin } = await signedIn();
    const { passkey, added } = await addPasskey(browser, origin);
    expect(added).toMatchObject({ status: 201, body: { title: "laptop", lastUsedAt: null } });
    const other = browserAt(gateway);
    const { body: asked } = await other.post("/session/passkey/options");
    // Nothing in it says who has a passkey here.
    expect(Object.keys(asked.options).sort()).toEqual(["challenge", "rpId", "timeout", "userVerification"]);
    expect(asked.options).toMatchObject({ rpId: "localhost", userVerification: "required" });
    const entered = await enter(other, origin, passkey);
    expect(entered).toMatchObject({ status: 200, body: { account: { name: "admin" }, method: "passkey" } });
    expect(entered.body.scopes.toSorted()).toEqual(["account", "admin", "connect", "host"]);
    const before = other.cookies.get("__Host-sp_session");
    const again = await enter(other, origin, passkey);
    expect(again.body.signInId).toBe(entered.body.signInId);
    expect(other.cookies.get("__Host-sp_session")).not.toBe(before);
    expect((await browser.get("/passkeys")).body).toMatchObject([{ lastUsedAt: expect.any(String) }]);
  });

  test("of a different account ends the session that the browser had", async () => {
    const { gateway, browser, origin } = await signedIn();
    const ana = await gateway.account("ana");
    const link = await gateway.call("POST", "/invitations", gateway.admin, { kind: "sign-in", name: "ana" });
    const anas = browserAt(gateway);
    const first = await anas.post("/session/link", { code: codeOf(link.body.link) });
    expect(first.body.account.id).toBe(ana.id);
    const { passkey } = await addPasskey(anas, origin);
    const former = browser.cookies.get("__Host-sp_session");
    const entered = await enter(browser, origin, passkey);
    expect(entered.body.account.name).toBe("ana");
    const old = browserAt(gateway);
    old.cookies.set("__Host-sp_session", former ?? "");
    await expect.poll(() => old.get("/session")).toMatchObject(refused("token_revoked", 401));
  });

  test("of a disabled account does not sign in", async () => {
    const { gateway, browser, origin } = await signedIn();
    const ana = await gateway.account("ana");
    const link = await gateway.call("POST", "/invitations", gateway.admin, { kind: "sign-in", name: "ana" });
    await browser.post("/session/link", { code: codeOf(link.body.link) });
    const { passkey } = await addPasskey(browser, origin);
    await gateway.call("PATCH", `/accounts/${ana.id}`, gateway.admin, { disabled: true });
    const answer = await enter(browserAt(gateway), origin, passkey);
    expect(answer).toMatchObject(refused("account_disabled", 403));
  });

  test("is refused if anything about its answer is wrong, always with the same words", async () => {
    const { gateway, browser, origin } = await signedIn();
    const { passkey } = await addPasskey(browser, origin);
    const words = new Set<string>();
    const wrong: [string, object][] = [
      ["a different origin", { origin: "https://evil.example" }],
      ["the same host at a different port", { origin: "http://localhost:1" }],
      ["https instead of http", { origin: origin.replace("http:", "https:") }],
      ["a different relying party", { rpId: "evil.example" }],
      ["a different challenge", { challenge: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }],
      ["a registration", { type: "webauthn.create" }],
      ["nobody proved to be its holder", { verified: false }],
      ["a different account's handle", { userHandle: Buffer.from("acc_x").toString("base64url") }],
    ];
    for (const [what, said] of wrong) {
      const answer = await enter(browserAt(gateway), origin, passkey, said);
      expect(answer, what).toMatchObject(refused("sign_in_refused", 403));
      words.add(answer.body.message);
    }
    // One that this gateway has never seen: nobody learns which passkeys there are.
    const unknown = await enter(browserAt(gateway), origin, new SoftPasskey());
    expect(unknown).toMatchObject(refused("sign_in_refused", 403));
    words.add(unknown.body.message);
    expect(words.size).toBe(1);
    expect((await enter(browserAt(gateway), origin, passkey)).status).toBe(200);
  });

  test("answers a challenge once, also if it counts nothing and the cookie is the same", async () => {
    const { gateway, browser, origin } = await signedIn();
    const passkey = new SoftPasskey();
    const { body } = await browser.post("/passkeys/options");
    const made = passkey.create(body.options, { origin, counter: 0 });
    expect((await browser.post("/passkeys", { response: made, title: "synced" })).status).toBe(201);
    const other = browserAt(gateway);
    const asked = await other.post("/session/passkey/options");
    const kept = other.cookies.get("__Host-sp_passkey") ?? "";
    const response = passkey.get(asked.body.options, { origin, counter: 0 });
    const replay = async () => {
      const one = browserAt(gateway);
      one.cookies.set("__Host-sp_passkey", kept);
      return (await one.post("/session/passkey", { response })).status;
    };
    expect((await Promise.all([replay(), replay(), replay()])).toSorted()).toEqual([200, 403, 403]);
    expect(await replay()).toBe(403);
    // The browser itself forgets a challenge with its first answer.
    await other.post("/session/passkey", { response });
    expect(other.cookies.has("__Host-sp_passkey")).toBe(false);
    expect(await other.post("/session/passkey", { response })).toMatchObject(refused("bad_request", 400));
  });

  test("whose counter does not go up has a copy, and is refused", async () => {
    const { gateway, browser, origin } = await signedIn();
    const { passkey } = await addPasskey(browser, origin);
    expect((await enter(browserAt(gateway), origin, passkey, { counter: 7 })).status).toBe(200);
    for (const counter of [7, 6, 0]) {
      const answer = await enter(browserAt(gateway), origin, passkey, { counter });
      expect(answer).toMatchObject(refused("sign_in_refused", 403));
      expect(answer.body.message).toContain("copied");
    }
    const audit = await gateway.call("GET", "/audit", gateway.admin);
    expect(audit.body.map(({ event }: { event: string }) => event)).toContain("passkey.cloned");
    expect((await enter(browserAt(gateway), origin, passkey, { counter: 8 })).status).toBe(200);
  });

  test("belongs to one account only, and there are at most twenty", async () => {
    const { gateway, browser, origin } = await signedIn();
    const { passkey } = await addPasskey(browser, origin);
    const again = await addPasskey(browser, origin, passkey);
    expect(again.added).toMatchObject(refused("key_taken", 409));
    const { body } = await browser.post("/passkeys/options");
    expect(body.options.excludeCredentials).toMatchObject([
      { id: passkey.credentialId.toString("base64url"), transports: ["internal"] },
    ]);
    for (let count = 1; count < 20; count++)
      expect((await addPasskey(browser, origin)).added.status).toBe(201);
    expect((await addPasskey(browser, origin)).added).toMatchObject(refused("limit_reached", 409));
    expect(gateway.logLines.join("")).not.toContain(passkey.credentialId.toString("base64url"));
  });

  test("is not made of an answer that was made elsewhere, or for a different account", async () => {
    const { gateway, browser, origin } = await signedIn();
    const passkey = new SoftPasskey();
    for (const said of [
      { origin: "https://evil.example" },
      { origin, rpId: "evil.example" },
      { origin, challenge: "AAAA" },
      { origin, type: "webauthn.get" },
      { origin, verified: false },
    ]) {
      const { body } = await browser.post("/passkeys/options");
      const response = passkey.create(body.options, said);
      expect(await browser.post("/passkeys", { response, title: "x" })).toMatchObject(
        refused("bad_request", 400),
      );
    }
    // The challenge was for admin; ana is signed in by now.
    await gateway.account("ana");
    const link = await gateway.call("POST", "/invitations", gateway.admin, { kind: "sign-in", name: "ana" });
    const { body } = await browser.post("/passkeys/options");
    const response = passkey.create(body.options, { origin });
    await browser.post("/session/link", { code: codeOf(link.body.link) });
    expect(await browser.post("/passkeys", { response, title: "x" })).toMatchObject(
      refused("bad_request", 400),
    );
    expect((await browser.get("/passkeys")).body).toEqual([]);
  });

  test.skipIf(OPENSSL === undefined)(
    "says nothing of its maker: the gateway would follow the addresses in a certificate",
    async () => {
      const { browser, origin } = await signedIn();
      const directory = temporaryDirectory();
      const [key, certificate] = [join(directory, "key.pem"), join(directory, "cert.pem")];
      const subject = "/C=DE/O=Maker/OU=Authenticator Attestation/CN=Maker";
      const flags = ["-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2"];
      const made = ["-keyout", key, "-out", certificate, "-addext", "basicConstraints=critical,CA:FALSE"];
      execFileSync(OPENSSL ?? "", ["req", ...flags, "-subj", subject, ...made], { stdio: "ignore" });
      const maker = {
        certificate: new X509Certificate(readFileSync(certificate)).raw,
        key: createPrivateKey(readFileSync(key)),
      };
      const { body } = await browser.post("/passkeys/options");
      expect(body.options.attestation).toBe("none");
      const response = new SoftPasskey().create(body.options, { origin, maker });
      expect(await browser.post("/passkeys", { response, title: "x" })).toMatchObject(
        refused("bad_request", 400),
      );
    },
  );
});

describe("what a browser may not do", () => {
  test("a page of somebody else starts and finishes nothing", async () => {
    const gateway = await passkeyGateway();
    const browser = browserAt(gateway);
    for (const path of ["/session/passkey/options", "/session/passkey"]) {
      for (const site of ["cross-site", "same-site", "none"]) {
        const answer = await browser.post(path, { response: {} }, { "sec-fetch-site": site });
        expect(answer, `${path} ${site}`).toMatchObject(refused("forbidden", 403));
      }
    }
  });

  test("a session of a token that may do less than the account makes no passkey, nor does a token itself", async () => {
    const { gateway } = await signedIn();
    const weak = await gateway.call("POST", "/tokens", gateway.admin, { title: "weak", scopes: ["account"] });
    const browser = browserAt(gateway);
    await browser.post("/session/token", { token: weak.body.token });
    expect(await browser.post("/passkeys/options")).toMatchObject(refused("scope_missing", 403));
    expect(await gateway.call("POST", "/passkeys/options", gateway.admin)).toMatchObject(
      refused("forbidden", 403),
    );
  });

  test("a passkey that was made with a token goes when the token is revoked, as does what it signed in", async () => {
    const { gateway, origin } = await signedIn();
    const ana = await gateway.account("ana");
    const browser = browserAt(gateway);
    await browser.post("/session/token", { token: ana.token });
    const { passkey, added } = await addPasskey(browser, origin);
    expect(added.status).toBe(201);
    const other = browserAt(gateway);
    expect((await enter(other, origin, passkey)).status).toBe(200);
    const made = await other.post("/tokens", { title: "kept", scopes: ["connect"] });
    expect(made.status).toBe(201);
    await gateway.call("DELETE", `/tokens/${ana.tokenId}`, ana.token);
    expect(await other.get("/session")).toMatchObject(refused("token_revoked", 401));
    expect(await gateway.call("GET", "/me", made.body.token)).toMatchObject(refused("token_revoked", 401));
    expect(await enter(browserAt(gateway), origin, passkey)).toMatchObject(refused("sign_in_refused", 403));
  });

  test("removing a passkey ends the other browsers that signed in with one", async () => {
    const { gateway, browser, origin } = await signedIn();
    const { passkey, added } = await addPasskey(browser, origin);
    const thief = browserAt(gateway);
    expect((await enter(thief, origin, passkey)).status).toBe(200);
    const byToken = browserAt(gateway);
    await byToken.post("/session/token", { token: gateway.admin });
    expect((await browser.remove(`/passkeys/${added.body.id}`)).status).toBe(204);
    expect(await thief.get("/session")).toMatchObject(refused("token_revoked", 401));
    expect([(await browser.get("/session")).status, (await byToken.get("/session")).status]).toEqual([
      200, 200,
    ]);
  });

  test("nobody removes the last thing that they can sign in with, or somebody else's passkey", async () => {
    const gateway = await passkeyGateway();
    const invitation = await gateway.call("POST", "/invitations", gateway.admin, {
      kind: "account",
      name: "ana",
    });
    const browser = browserAt(gateway);
    await browser.post("/invitations/open", { code: codeOf(invitation.body.link) });
    const passkey = new SoftPasskey();
    const { body } = await browser.post("/invitations/accept/options", {});
    const response = passkey.create(body.options, { origin: gateway.origin });
    const accepted = await browser.post("/invitations/accept", { response, title: "phone" });
    expect(accepted.status, JSON.stringify(accepted.body)).toBe(200);
    const [only] = (await browser.get("/passkeys")).body;
    expect(await browser.remove(`/passkeys/${only.id}`)).toMatchObject(refused("forbidden", 403));
    expect(await browserAt(gateway).remove(`/passkeys/${only.id}`)).toMatchObject(
      refused("unauthenticated", 401),
    );
    const other = await gateway.call("DELETE", `/passkeys/${only.id}`, gateway.admin);
    expect(other).toMatchObject(refused("not_found", 404));
    const { added } = await addPasskey(browser, gateway.origin);
    const both = await Promise.all([only.id, added.body.id].map((id) => browser.remove(`/passkeys/${id}`)));
    expect(both.map(({ status }) => status).toSorted()).toEqual([204, 403]);
    expect((await browser.get("/passkeys")).body).toHaveLength(1);
  });

  test("guessing is slowed down", async () => {
    const { gateway, origin } = await signedIn();
    const passkey = new SoftPasskey();
    let last = 0;
    for (let count = 0; count < 40 && last !== 429; count++) {
      last = (await enter(browserAt(gateway), origin, passkey)).status;
    }
    expect(last).toBe(429);
  });
});

test("A gateway whose public URL is an address or plain http takes no passkeys, and says so", async () => {
  const gateway = await testGateway();
  expect((await gateway.call("GET", "/sign-in-methods")).body.passkeys).toBe(false);
  const answer = await browserAt(gateway).post("/session/passkey/options");
  expect(answer).toMatchObject(refused("forbidden", 403));
});
