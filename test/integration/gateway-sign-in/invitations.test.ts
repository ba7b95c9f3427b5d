// One-use links: they sign in, or make an account with its passkey, once and for one browser, and nobody guesses them.

import { describe, expect, test } from "vitest";
import { SoftPasskey } from "../../support/soft-passkey.ts";
import { type Answer, type TestGateway, testGateway } from "../../support/test-gateway.ts";
import { browserAt, passkeyGateway, type Requests } from "./browser-requests.ts";

const refused = (code: string, status: number) => ({ status, body: { code } });
const codeOf = (made: Answer): string => made.body.link.slice(made.body.link.indexOf("#") + 1);

function invite(gateway: TestGateway, body: object, token = gateway.admin): Promise<Answer> {
  return gateway.call("POST", "/invitations", token, body);
}

async function accept(browser: Requests, origin: string, name?: string) {
  const { body, status } = await browser.post(
    "/invitations/accept/options",
    name === undefined ? {} : { name },
  );
  if (status !== 200) return { status, body };
  const response = new SoftPasskey().create(body.options, { origin });
  return await browser.post("/invitations/accept", { response, title: "phone" });
}

describe("a link that signs in", () => {
  test("does so once, in the browser that is first", async () => {
    const gateway = await passkeyGateway();
    await gateway.account("ana");
    const made = await invite(gateway, { kind: "sign-in", name: "ana" });
    expect(made.body.link).toMatch(new RegExp(`^${gateway.origin}/welcome#spc_[0-9A-Za-z]{49}$`));
    expect(made.body.info).toMatchObject({ kind: "sign-in", name: "ana", createdBy: "admin", usedAt: null });
    const code = codeOf(made);
    const opened = await browserAt(gateway).post("/invitations/open", { code });
    expect(opened.body).toMatchObject({ kind: "sign-in", name: "ana", createdBy: "admin" });
    // Looking at it uses nothing up, and signs nobody in.
    expect(opened.headers.getSetCookie()).toEqual([]);
    const browsers = [browserAt(gateway), browserAt(gateway), browserAt(gateway), browserAt(gateway)];
    const answers = await Promise.all(browsers.map((browser) => browser.post("/session/link", { code })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
    expect(answers.find(({ status }) => status === 200)?.body).toMatchObject({
      account: { name: "ana" },
      method: "link",
    });
    const late = await browserAt(gateway).post("/session/link", { code });
    expect(late).toMatchObject(refused("token_revoked", 401));
    expect((await gateway.call("GET", "/invitations", gateway.admin)).body).toMatchObject([
      { name: "ana", usedAt: expect.any(String) },
    ]);
    expect(gateway.logLines.join("")).not.toContain(code);
  });

  test("ends with the token that made it, as does the session that it gave", async () => {
    const gateway = await passkeyGateway();
    await gateway.account("ana");
    const scopes = ["admin", "account", "connect", "host"];
    const child = await gateway.call("POST", "/tokens", gateway.admin, { title: "child", scopes });
    const [used, unused] = [
      await invite(gateway, { kind: "sign-in", name: "ana" }, child.body.token),
      await invite(gateway, { kind: "sign-in", name: "ana" }, child.body.token),
    ];
    const browser = browserAt(gateway);
    expect((await browser.post("/session/link", { code: codeOf(used) })).status).toBe(200);
    await gateway.call("DELETE", `/tokens/${child.body.info.id}`, gateway.admin);
    expect(await browser.get("/session")).toMatchObject(refused("token_revoked", 401));
    const late = await browserAt(gateway).post("/session/link", { code: codeOf(unused) });
    expect(late).toMatchObject(refused("token_unknown", 401));
  });

  test("is worth nothing once its maker is disabled, it is taken back, or its account is disabled", async () => {
    const gateway = await passkeyGateway();
    const ana = await gateway.account("ana");
    const root = await gateway.call("POST", "/accounts", gateway.admin, { name: "root", admin: true });
    const token = await gateway.call("POST", `/accounts/${root.body.id}/tokens`, gateway.admin, {
      title: "x",
      scopes: ["admin", "account", "connect", "host"],
    });
    const byRoot = await invite(gateway, { kind: "sign-in", name: "ana" }, token.body.token);
    const taken = await invite(gateway, { kind: "sign-in", name: "ana" });
    const own = await invite(gateway, { kind: "sign-in", name: "ana" });
    await gateway.call("PATCH", `/accounts/${root.body.id}`, gateway.admin, { disabled: true });
    await gateway.call("DELETE", `/invitations/${taken.body.info.id}`, gateway.admin);
    const use = (made: Answer) => browserAt(gateway).post("/session/link", { code: codeOf(made) });
    expect(await use(byRoot)).toMatchObject(refused("token_revoked", 401));
    expect(await use(taken)).toMatchObject(refused("token_unknown", 401));
    await gateway.call("PATCH", `/accounts/${ana.id}`, gateway.admin, { disabled: true });
    expect(await use(own)).toMatchObject(refused("account_disabled", 403));
    expect(await invite(gateway, { kind: "sign-in", name: "ana" })).toMatchObject(
      refused("account_disabled", 403),
    );
    // It was not used up: once the account is enabled again, it works.
    await gateway.call("PATCH", `/accounts/${ana.id}`, gateway.admin, { disabled: false });
    expect((await use(own)).status).toBe(200);
  });

  test("is used by a page of the gateway only, and guessing is slowed down", async () => {
    const gateway = await passkeyGateway();
    await gateway.account("ana");
    const made = await invite(gateway, { kind: "sign-in", name: "ana" });
    for (const path of ["/session/link", "/invitations/open"]) {
      for (const site of ["cross-site", "same-site", "none"]) {
        const answer = await browserAt(gateway).post(
          path,
          { code: codeOf(made) },
          { "sec-fetch-site": site },
        );
        expect(answer, `${path} ${site}`).toMatchObject(refused("forbidden", 403));
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    }
    // Nothing but a POST with a body does anything: a link in a mail that something fetches is not used up by that.
    for (const path of ["/session/link", "/invitations/open", "/invitations/accept"]) {
      expect((await browserAt(gateway).get(`${path}?code=${codeOf(made)}`)).status).toBe(404);
    }
    const wrong = `${codeOf(made).slice(0, -1)}${codeOf(made).endsWith("A") ? "B" : "A"}`;
    expect(await browserAt(gateway).post("/session/link", { code: wrong })).toMatchObject(
      refused("bad_token", 400),
    );
    let last = 0;
    for (let count = 0; count < 40 && last !== 429; count++) {
      last = (await browserAt(gateway).post("/session/link", { code: wrong })).status;
    }
    expect(last).toBe(429);
    // The right one still works: nobody can lock others out.
    expect((await browserAt(gateway).post("/session/link", { code: codeOf(made) })).status).toBe(200);
  });

  test("is not used up where no browser could keep the session", async () => {
    const gateway = await testGateway({ publicUrl: "http://gateway.example" as never });
    const made = await invite(gateway, { kind: "sign-in", name: "admin" });
    const answer = await browserAt(gateway).post("/session/link", { code: codeOf(made) });
    expect(answer).toMatchObject(refused("forbidden", 403));
    expect((await gateway.call("GET", "/invitations", gateway.admin)).body).toMatchObject([{ usedAt: null }]);
  });
});

describe("an invitation", () => {
  test("makes an account with its passkey and signs in, once", async () => {
    const gateway = await passkeyGateway();
    const made = await invite(gateway, { kind: "account", name: "ana" });
    const browser = browserAt(gateway);
    const opened = await browser.post("/invitations/open", { code: codeOf(made) });
    expect(opened.body).toMatchObject({ kind: "account", name: "ana", admin: false, createdBy: "admin" });
    const answer = await accept(browser, gateway.origin);
    expect(answer).toMatchObject({
      status: 200,
      body: { account: { name: "ana", admin: false }, method: "passkey" },
    });
    expect(answer.body.scopes).not.toContain("admin");
    expect((await browser.get("/passkeys")).body).toMatchObject([{ title: "phone" }]);
    const second = browserAt(gateway);
    expect(await second.post("/invitations/open", { code: codeOf(made) })).toMatchObject(
      refused("token_revoked", 401),
    );
    const audit = (await gateway.call("GET", "/audit", gateway.admin)).body;
    expect(audit.map(({ event }: { event: string }) => event)).toEqual(
      expect.arrayContaining(["invitation.created", "invitation.used", "account.created", "sign-in.created"]),
    );
  });

  test("that two accept at the same time makes one account, and the other learns why", async () => {
    const gateway = await passkeyGateway();
    const made = await invite(gateway, { kind: "account" });
    const ready = await Promise.all(
      ["ana", "bo", "cy"].map(async (name) => {
        const browser = browserAt(gateway);
        await browser.post("/invitations/open", { code: codeOf(made) });
        const { body } = await browser.post("/invitations/accept/options", { name });
        return { browser, response: new SoftPasskey().create(body.options, { origin: gateway.origin }) };
      }),
    );
    const answers = await Promise.all(
      ready.map(({ browser, response }) => browser.post("/invitations/accept", { response, title: "x" })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401]);
    expect(answers.filter(({ status }) => status === 401).map(({ body }) => body.code)).toEqual([
      "token_revoked",
      "token_revoked",
    ]);
    expect((await gateway.call("GET", "/accounts", gateway.admin)).body).toHaveLength(2);
  });

  test("gives the name and the role that it was made with, whatever the browser asks for", async () => {
    const gateway = await passkeyGateway();
    const made = await invite(gateway, { kind: "account", name: "root", admin: true });
    const browser = browserAt(gateway);
    await browser.post("/invitations/open", { code: codeOf(made) });
    const answer = await accept(browser, gateway.origin, "mallory");
    expect(answer.body.account).toMatchObject({ name: "root", admin: true });
    expect(answer.body.scopes).toContain("admin");
    const choose = await invite(gateway, { kind: "account" });
    const other = browserAt(gateway);
    await other.post("/invitations/open", { code: codeOf(choose) });
    expect(await accept(other, gateway.origin)).toMatchObject(refused("bad_request", 400));
    expect(await accept(other, gateway.origin, "root")).toMatchObject(refused("name_taken", 409));
    expect((await accept(other, gateway.origin, "zoe")).body.account).toMatchObject({
      name: "zoe",
      admin: false,
    });
  });

  test("needs its cookie, and a passkey that was made for it", async () => {
    const gateway = await passkeyGateway();
    const made = await invite(gateway, { kind: "account", name: "ana" });
    expect(await accept(browserAt(gateway), gateway.origin)).toMatchObject(refused("bad_request", 400));
    const browser = browserAt(gateway);
    await browser.post("/invitations/open", { code: codeOf(made) });
    const { body } = await browser.post("/invitations/accept/options", {});
    const elsewhere = new SoftPasskey().create(body.options, { origin: "https://evil.example" });
    expect(await browser.post("/invitations/accept", { response: elsewhere, title: "x" })).toMatchObject(
      refused("bad_request", 400),
    );
    expect((await gateway.call("GET", "/accounts", gateway.admin)).body).toHaveLength(1);
    // Nothing was used up by that.
    expect((await accept(browser, gateway.origin)).status).toBe(200);
    const link = await invite(gateway, { kind: "sign-in", name: "ana" });
    const other = browserAt(gateway);
    await other.post("/invitations/open", { code: codeOf(link) });
    expect(await accept(other, gateway.origin)).toMatchObject(refused("bad_request", 400));
    const wrongKind = await invite(gateway, { kind: "account", name: "bo" });
    expect(await other.post("/session/link", { code: codeOf(wrongKind) })).toMatchObject(
      refused("bad_request", 400),
    );
  });

  test("is made by an administrator whose token can do everything, and fits what there is", async () => {
    const gateway = await passkeyGateway();
    const ana = await gateway.account("ana");
    expect(await invite(gateway, { kind: "account" }, ana.token)).toMatchObject(
      refused("scope_missing", 403),
    );
    const only = await gateway.call("POST", "/tokens", gateway.admin, { title: "x", scopes: ["admin"] });
    expect(await invite(gateway, { kind: "sign-in", name: "ana" }, only.body.token)).toMatchObject(
      refused("scope_missing", 403),
    );
    expect(await invite(gateway, { kind: "account", name: "ana" })).toMatchObject(refused("name_taken", 409));
    expect(await invite(gateway, { kind: "sign-in", name: "bo" })).toMatchObject(refused("not_found", 404));
    expect(await invite(gateway, { kind: "identity" })).toMatchObject(refused("bad_request", 400));
    const admin = { kind: "sign-in", name: "ana", admin: true };
    expect(await invite(gateway, admin)).toMatchObject(refused("bad_request", 400));
    const long = { kind: "account", expiresIn: 8 * 24 * 3600 };
    expect(await invite(gateway, long)).toMatchObject(refused("bad_request", 400));
  });

  test("is one of at most a hundred of its maker", async () => {
    const gateway = await passkeyGateway();
    for (let count = 0; count < 100; count++) {
      expect((await invite(gateway, { kind: "account" })).status).toBe(201);
    }
    expect(await invite(gateway, { kind: "account" })).toMatchObject(refused("limit_reached", 409));
    const [{ id }] = (await gateway.call("GET", "/invitations", gateway.admin)).body;
    await gateway.call("DELETE", `/invitations/${id}`, gateway.admin);
    expect((await invite(gateway, { kind: "account" })).status).toBe(201);
  });
});
