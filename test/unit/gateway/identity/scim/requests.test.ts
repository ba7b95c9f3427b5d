// What SCIM requests mean: filters, the operations of PATCH, and the account names that follow from user names.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFilter } from "../../../../../gateway/identity/scim/filter.ts";
import { patchedAttributes } from "../../../../../gateway/identity/scim/patch.ts";
import { ScimError } from "../../../../../gateway/identity/scim/scim-error.ts";
import { userAttributes } from "../../../../../gateway/identity/scim/user-resource.ts";
import { accountNameFor } from "../../../../../gateway/store/sign-ins/scim-users.ts";
import { isName } from "../../../../../protocol/values/name.ts";

describe("a filter", () => {
  test.each([
    ['userName eq "ana@corp.example"', "userName", "ana@corp.example"],
    ['USERNAME EQ "a b"', "userName", "a b"],
    ['  externalId   eq   "00u\\"1"  ', "externalId", '00u"1'],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x"', "userName", "x"],
    ['id eq "acc_1"', "id", "acc_1"],
  ])("%s", (text, attribute, value) => {
    expect(parseFilter(text)).toEqual({ attribute, value });
  });

  test("that is anything else is refused, whatever it is", () => {
    expect(parseFilter(undefined)).toBeNull();
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        try {
          expect(parseFilter(text)).toMatchObject({ value: expect.any(String) });
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      }),
    );
    for (const text of ['userName eq "a" and active eq true', 'userName eq "a" or 1', 'a eq "b"', ""]) {
      expect(() => parseFilter(text), text).toThrow(ScimError);
    }
  });
});

describe("PATCH", () => {
  test("takes later operations over earlier ones, and ignores what means nothing here", () => {
    const body = {
      schemas: ["x"],
      operations: [
        { op: "REPLACE", path: "active", value: "False" },
        { op: "add", value: { ACTIVE: true, emails: [], password: "x", roles: "admin", admin: true } },
        { op: "remove", path: "externalId" },
      ],
    };
    expect(patchedAttributes(body)).toEqual({ active: true, externalId: null });
  });

  test("never fails in a different way than by refusing", () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("True", "False", null));
    const operation = fc.record(
      {
        op: fc.constantFrom("add", "Replace", "remove", "x"),
        path: fc.oneof(fc.constantFrom("active", "userName", "externalId", "__proto__"), fc.string()),
        value,
      },
      { requiredKeys: ["op"] },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 5 }), (operations) => {
        try {
          const changes = patchedAttributes({ Operations: operations });
          expect(["undefined", "boolean"]).toContain(typeof changes.active);
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      }),
    );
  });
});

test("A user's attributes never give a role", () => {
  expect(userAttributes({ userName: "a", admin: true, roles: [{ value: "admin" }] })).toEqual({
    userName: "a",
  });
});

test("An account's name follows from the part of the user name before the @", () => {
  expect(
    ["Ana.Lopez@corp.example", "José", "o'brien+x@x", "@x", "名前@x", "a".repeat(60), "--x--"].map(
      accountNameFor,
    ),
  ).toEqual(["ana-lopez", "jose", "o-brien-x", "user", "user", "a".repeat(40), "x"]);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => isName(accountNameFor(text))));
});
