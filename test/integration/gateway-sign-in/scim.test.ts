// SCIM as Okta and Entra speak it: their request bodies, and what a provider must not be able to do.

import { describe, expect, test } from "vitest";
import { type Answer, type TestGateway, testGateway } from "../../support/test-gateway.ts";
import { browserAt } from "./browser-requests.ts";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR = "urn:ietf:params:scim:api:messages:2.0:Error";

async function provisioned() {
  const gateway = await testGateway();
  const made = await gateway.call("POST", "/tokens", gateway.admin, { title: "okta", scopes: ["scim"] });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const token: string = made.body.token;
  const scim = (method: string, path: string, body?: unknown, type = "application/scim+json") =>
    gateway.raw(method, `/scim/v2${path}`, token, {
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": type } }),
    });
  return { gateway, token, scim, made };
}

/** As Okta creates a user. */
const oktaUser = (userName: string, externalId = "00u1abcd") => ({
  schemas: [USER],
  userName,
  name: { givenName: "Ana", familyName: "López" },
  emails: [{ primary: true, value: userName, type: "work" }],
  displayName: "Ana López",
  locale: "en-US",
  externalId,
  groups: [],
  password: "x1y2z3",
  active: true,
});

/** As Entra creates a user. */
const entraUser = (userName: string) => ({
  schemas: [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
  externalId: "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
  userName,
  active: true,
  emails: [{ primary: true, type: "work", value: userName }],
  meta: { resourceType: "User" },
  name: { formatted: "Bo Diaz", familyName: "Diaz", givenName: "Bo" },
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { department: "x" },
});

const accountNamed = async (gateway: TestGateway, name: string) =>
  (await gateway.call("GET", "/accounts", gateway.admin)).body.find(
    (one: { name: string }) => one.name === name,
  );

const refused = (status: number, scimType?: string) => ({
  status,
  body: { schemas: [ERROR], status: String(status), ...(scimType === undefined ? {} : { scimType }) },
});

describe("a provider", () => {
  test("as Okta: looks for a user, makes it, reads it, disables and enables it", async () => {
    const { gateway, scim } = await provisioned();
    const filter = encodeURIComponent('userName eq "Ana.Lopez@corp.example"');
    const none = await scim("GET", `/Users?filter=${filter}&startIndex=1&count=100`);
    expect(none).toMatchObject({ status: 200, body: { totalResults: 0, startIndex: 1, Resources: [] } });
    const made = await scim("POST", "/Users", oktaUser("Ana.Lopez@corp.example"));
    expect(made).toMatchObject({
      status: 201,
      body: {
        schemas: [USER],
        externalId: "00u1abcd",
        userName: "Ana.Lopez@corp.example",
        displayName: "Ana López",
        nickName: "ana-lopez",
        active: true,
        meta: { resourceType: "User" },
      },
    });
    expect(made.headers.get("content-type")).toBe("application/scim+json; charset=utf-8");
    expect(made.headers.get("location")).toBe(made.body.meta.location);
    expect(JSON.stringify(made.body)).not.toContain("x1y2z3");
    const { id } = made.body;
    expect((await scim("GET", `/Users/${id}`)).body).toEqual(made.body);
    // Names of users are equal in either case.
    const found = await scim(
      "GET",
      `/Users?filter=${encodeURIComponent('userName EQ "ana.lopez@CORP.example"')}`,
    );
    expect(found.body).toMatchObject({ totalResults: 1, itemsPerPage: 1, Resources: [{ id }] });
    const external = await scim("GET", `/Users?filter=${encodeURIComponent('externalId eq "00u1abcd"')}`);
    expect(external.body.Resources).toMatchObject([{ id }]);
    // Okta patches without a path.
    const off = { schemas: [PATCH], Operations: [{ op: "replace", value: { active: false } }] };
    expect(await scim("PATCH", `/Users/${id}`, off)).toMatchObject({ status: 200, body: { active: false } });
    expect(await accountNamed(gateway, "ana-lopez")).toMatchObject({ id, disabled: true });
    // And replaces the whole user when it comes back.
    const back = await scim("PUT", `/Users/${id}`, { ...oktaUser("Ana.Lopez@corp.example"), id });
    expect(back).toMatchObject({ status: 200, body: { id, active: true } });
    expect(await accountNamed(gateway, "ana-lopez")).toMatchObject({ id, disabled: false });
  });

  test("as Entra: writes booleans as texts and operations with a capital, and deletes", async () => {
    const { gateway, scim } = await provisioned();
    const made = await scim("POST", "/Users", entraUser("bo@corp.example"), "application/json");
    expect(made).toMatchObject({ status: 201, body: { nickName: "bo", active: true } });
    const { id } = made.body;
    const patch = (...operations: object[]) =>
      scim("PATCH", `/Users/${id}`, { schemas: [PATCH], Operations: operations });
    const off = await patch(
      { op: "Replace", path: "displayName", value: "Bo" },
      { op: "Add", path: "name.givenName", value: "Bo" },
      { op: "Replace", path: 'emails[type eq "work"].value', value: "bo@corp.example" },
      { op: "Replace", path: "active", value: "False" },
    );
    expect(off).toMatchObject({ status: 200, body: { active: false, displayName: "Bo" } });
    const on = await patch({ op: "Replace", value: { [`${USER}:active`]: "True", "name.familyName": "D" } });
    expect(on.body.active).toBe(true);
    expect((await scim("DELETE", `/Users/${id}`)).status).toBe(204);
    // The account stays, with its name.
    expect(await accountNamed(gateway, "bo")).toMatchObject({ id, disabled: true });
    expect((await scim("GET", `/Users/${id}`)).body).toMatchObject({ active: false });
    expect(await scim("POST", "/Users", entraUser("BO@corp.example"))).toMatchObject(
      refused(409, "uniqueness"),
    );
  });

  test("learns what there is", async () => {
    const { scim } = await provisioned();
    expect((await scim("GET", "/ServiceProviderConfig")).body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true, maxResults: 200 },
    });
    expect((await scim("GET", "/ResourceTypes")).body.Resources).toMatchObject([{ endpoint: "/Users" }]);
    expect((await scim("GET", "/Schemas")).body.Resources).toMatchObject([{ id: USER }]);
    expect((await scim("GET", `/Schemas/${USER}`)).body).toMatchObject({ id: USER });
    expect(await scim("GET", "/Groups")).toMatchObject(refused(404));
  });

  test("gets pages of at most 200", async () => {
    const { scim } = await provisioned();
    for (let count = 0; count < 5; count++) {
      await scim("POST", "/Users", oktaUser(`user${count}@corp.example`, `id${count}`));
    }
    const page = async (query: string): Promise<Answer["body"]> =>
      (await scim("GET", `/Users?${query}`)).body;
    expect(await page("startIndex=2&count=2")).toMatchObject({
      totalResults: 5,
      startIndex: 2,
      itemsPerPage: 2,
      Resources: [{ userName: "user1@corp.example" }, { userName: "user2@corp.example" }],
    });
    expect(await page("count=0")).toMatchObject({ totalResults: 5, itemsPerPage: 0, Resources: [] });
    expect(await page("startIndex=-3&count=99999999")).toMatchObject({ startIndex: 1, itemsPerPage: 5 });
    expect(await page("startIndex=6")).toMatchObject({ totalResults: 5, itemsPerPage: 0 });
  });
});

describe("disabling by SCIM", () => {
  test("ends everything at once: what a token and what a browser has open, within a second", async () => {
    const { gateway, scim } = await provisioned();
    const { body } = await scim("POST", "/Users", oktaUser("ana@corp.example"));
    const token = await gateway.call("POST", `/accounts/${body.id}/tokens`, gateway.admin, {
      title: "x",
      scopes: ["connect", "account", "host"],
    });
    const browser = browserAt(gateway);
    expect((await browser.post("/session/token", { token: token.body.token })).status).toBe(200);
    const stream = await gateway.send("GET", "/api/v1/events", token.body.token);
    expect(stream.status).toBe(200);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const watched = await gateway.send("GET", "/api/v1/events", undefined, {
      headers: { cookie, "sec-fetch-site": "same-origin" },
    });
    expect(watched.status).toBe(200);
    const start = performance.now();
    await scim("PATCH", `/Users/${body.id}`, {
      Operations: [{ op: "replace", path: "active", value: false }],
    });
    await Promise.all([stream.text(), watched.text()]);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect((await browser.get("/session")).body.code).toBe("account_disabled");
    expect((await gateway.call("GET", "/me", token.body.token)).body.code).toBe("account_disabled");
  });

  test("never touches an administrator, an account that SCIM did not make, or what an administrator decided", async () => {
    const { gateway, scim } = await provisioned();
    const ana = await gateway.account("ana");
    for (const method of ["GET", "DELETE"]) {
      expect(await scim(method, `/Users/${ana.id}`)).toMatchObject(refused(404));
    }
    const off = { Operations: [{ op: "replace", path: "active", value: false }] };
    expect(await scim("PATCH", `/Users/${ana.id}`, off)).toMatchObject(refused(404));
    expect(await scim("PATCH", "/Users/nobody", off)).toMatchObject(refused(404));
    // A user whose name is an account's gets an account of its own.
    const { body } = await scim("POST", "/Users", oktaUser("ana@corp.example"));
    expect(body).toMatchObject({ nickName: "ana-2" });
    expect(body.id).not.toBe(ana.id);
    // An administrator has disabled it: the provider's daily synchronization must not enable it.
    await gateway.call("PATCH", `/accounts/${body.id}`, gateway.admin, { disabled: true });
    const synced = await scim("PUT", `/Users/${body.id}`, oktaUser("ana@corp.example"));
    expect(synced).toMatchObject({ status: 200, body: { active: false } });
    expect(await accountNamed(gateway, "ana-2")).toMatchObject({ disabled: true });
    await gateway.call("PATCH", `/accounts/${body.id}`, gateway.admin, { disabled: false });
    await makeAdmin(gateway, body.id);
    for (const answer of [
      await scim("PATCH", `/Users/${body.id}`, off),
      await scim("DELETE", `/Users/${body.id}`),
      await scim("PUT", `/Users/${body.id}`, { ...oktaUser("ana@corp.example"), displayName: "Mallory" }),
    ]) {
      expect(answer).toMatchObject(refused(403));
    }
    expect(await accountNamed(gateway, "ana-2")).toMatchObject({ disabled: false });
  });

  test("a userName is unique and never changes", async () => {
    const { scim } = await provisioned();
    const { body } = await scim("POST", "/Users", oktaUser("ana@corp.example", "a"));
    const other = await scim("POST", "/Users", oktaUser("bo@corp.example", "b"));
    expect(await scim("POST", "/Users", oktaUser("ANA@corp.example", "c"))).toMatchObject(
      refused(409, "uniqueness"),
    );
    expect(await scim("POST", "/Users", oktaUser("cy@corp.example", "a"))).toMatchObject(
      refused(409, "uniqueness"),
    );
    expect(await scim("PUT", `/Users/${body.id}`, oktaUser("eve@corp.example", "a"))).toMatchObject(
      refused(400, "mutability"),
    );
    const taken = { Operations: [{ op: "replace", path: "externalId", value: "a" }] };
    expect(await scim("PATCH", `/Users/${other.body.id}`, taken)).toMatchObject(refused(409, "uniqueness"));
    // Two at the same time: one is made.
    const both = await Promise.all(
      [1, 2].map(() => scim("POST", "/Users", oktaUser("dee@corp.example", "d"))),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  });
});

describe("the scope scim", () => {
  test("is for SCIM alone, and SCIM takes no other", async () => {
    const { gateway, token, made } = await provisioned();
    expect(made.body.info).toMatchObject({ scopes: [], scim: true });
    for (const path of ["/me", "/tokens", "/workspaces", "/accounts", "/invitations", "/keys"]) {
      expect((await gateway.call("GET", path, token)).body.code, path).toBe("scope_missing");
    }
    expect(await gateway.raw("GET", "/scim/v2/Users", gateway.admin)).toMatchObject(refused(403));
    expect(await gateway.raw("GET", "/scim/v2/Users")).toMatchObject(refused(401));
    expect(await gateway.raw("GET", "/scim/v2/nothing")).toMatchObject(refused(401));
    const browser = browserAt(gateway);
    await browser.post("/session/token", { token: gateway.admin });
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    expect(await gateway.raw("GET", "/scim/v2/Users", undefined, { headers })).toMatchObject(refused(401));
    expect((await browser.post("/session/token", { token })).body.code).toBe("scope_missing");
    const mixed = { title: "x", scopes: ["scim", "connect"] };
    expect((await gateway.call("POST", "/tokens", gateway.admin, mixed)).body.code).toBe("bad_request");
    const ana = await gateway.account("ana");
    const own = await gateway.call("POST", "/tokens", ana.token, { title: "x", scopes: ["scim"] });
    expect(own.body.code).toBe("scope_missing");
    const theirs = await gateway.call("POST", `/accounts/${ana.id}/tokens`, gateway.admin, {
      title: "x",
      scopes: ["scim"],
    });
    expect(theirs.body.code).toBe("forbidden");
  });

  test("in a list of tokens is nothing that an older client refuses", async () => {
    const { gateway } = await provisioned();
    const { body } = await gateway.call("GET", "/tokens", gateway.admin);
    // What clients of the first versions accept.
    const known = new Set(["admin", "account", "connect", "host"]);
    for (const { scopes } of body) expect(scopes.every((scope: string) => known.has(scope))).toBe(true);
  });
});

test("What is no SCIM request is refused in SCIM's form", async () => {
  const { scim, gateway, token } = await provisioned();
  const { body } = await scim("POST", "/Users", oktaUser("ana@corp.example"));
  const at = `/Users/${body.id}`;
  for (const [method, path, sent, scimType] of [
    ["POST", "/Users", { active: true }, "invalidValue"],
    ["POST", "/Users", { userName: 7 }, "invalidValue"],
    ["POST", "/Users", { userName: "x".repeat(300) }, "invalidValue"],
    ["POST", "/Users", { userName: "a\u202eb" }, "invalidValue"],
    ["POST", "/Users", [], "invalidSyntax"],
    ["PATCH", at, {}, "invalidSyntax"],
    ["PATCH", at, { Operations: [] }, "invalidSyntax"],
    ["PATCH", at, { Operations: [{ op: "move", path: "active" }] }, "invalidSyntax"],
    ["PATCH", at, { Operations: [{ op: "replace", value: "x" }] }, "invalidValue"],
    ["PATCH", at, { Operations: [{ op: "replace", path: "active", value: "maybe" }] }, "invalidValue"],
    ["PATCH", at, { Operations: [{ op: "remove", path: "userName" }] }, "mutability"],
    ["PATCH", at, { Operations: Array(101).fill({ op: "add", path: "x", value: 1 }) }, "invalidSyntax"],
  ] as const) {
    expect(await scim(method, path, sent), JSON.stringify(sent)).toMatchObject(refused(400, scimType));
  }
  for (const filter of ['userName co "a"', "userName eq a", 'password eq "x"', 'userName eq "\\x"', "("]) {
    const answer = await scim("GET", `/Users?filter=${encodeURIComponent(filter)}`);
    expect(answer, filter).toMatchObject(refused(400, "invalidFilter"));
  }
  const notJson = { body: "{", headers: { "content-type": "application/scim+json" } };
  expect(await gateway.raw("POST", "/scim/v2/Users", token, notJson)).toMatchObject(refused(400));
  const xml = { body: "<x/>", headers: { "content-type": "application/xml" } };
  expect(await gateway.raw("POST", "/scim/v2/Users", token, xml)).toMatchObject(refused(415));
});

/** As the provider's rules or an administrator would. */
async function makeAdmin(gateway: TestGateway, id: string): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(`${gateway.dataDir}/gateway.db`);
  database.prepare("update accounts set admin = 1 where id = ?").run(id);
  database.close();
}
