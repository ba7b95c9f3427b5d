// The rules for who may come in, against what providers and attackers can put into claims.

import { describe, expect, test } from "vitest";
import {
  accountNameOf,
  claimAt,
  judge,
  suggestedName,
} from "../../../../../gateway/identity/providers/rules.ts";
import type { RuleSettings } from "../../../../../gateway/identity/providers/settings/settings.ts";

const NONE: RuleSettings = {
  allowDomains: [],
  allowGroups: [],
  denyGroups: [],
  adminGroups: [],
  groupsClaim: "groups",
  domainClaim: null,
  emailVerifiedMissing: "refuse",
  nameClaim: "preferred_username",
};
const DOMAIN: RuleSettings = { ...NONE, allowDomains: ["corp.example"] };
const verified = (email: unknown) => ({ email, email_verified: true });

describe("an allowed domain", () => {
  test.each(["ana@corp.example", "ANA@CORP.EXAMPLE", "a.b+c@Corp.Example"])("admits %s", (email) => {
    expect(judge(DOMAIN, verified(email))).toMatchObject({
      allowed: true,
      rule: "allowed domain: corp.example",
    });
  });

  test.each([
    // CVE-2024-27918: matched as a suffix.
    "ana@evilcorp.example",
    "ana@corp.example.evil.example",
    "ana@sub.corp.example",
    // Two at signs: programs disagree about which one counts.
    "ana@evil.example@corp.example",
    "ana@corp.example@evil.example",
    '"ana@corp.example"@evil.example',
    // Look-alikes: Cyrillic o, full width, the Kelvin sign, a dotless i, a soft hyphen, a zero-width blank.
    "ana@c\u043erp.example",
    "ana@\uff43\uff4f\uff52\uff50.example",
    "ana@corp.example\u200b",
    "ana@corp\u00ad.example",
    "ana@xn--crp-dma.example",
    "ana@corp.example.",
    "ana@.corp.example",
    "ana@corp.example\n",
    "ana@corp.example ",
    "@corp.example",
    "corp.example",
    "",
    null,
    ["ana@corp.example"],
    { toString: () => "ana@corp.example" },
  ])("does not admit %j", (email) => {
    expect(judge(DOMAIN, verified(email)).allowed).toBe(false);
  });

  test("does not fall for letters that only become ASCII in lower case", () => {
    const kelvin = { ...NONE, allowDomains: ["kelvin.example"] };
    expect(judge(kelvin, verified("ana@\u212aelvin.example")).allowed).toBe(false);
  });

  test.each([["true"], ["false"], [1], [0], [null], [{}], [[true]], [false]])(
    "does not take %j for a verified address",
    (value) => {
      const claims = { email: "ana@corp.example", email_verified: value };
      expect(judge({ ...DOMAIN, emailVerifiedMissing: "accept" }, claims).allowed).toBe(false);
    },
  );

  test("takes an address that nothing is said of only if the operator says so", () => {
    const claims = { email: "ana@corp.example" };
    expect(judge(DOMAIN, claims)).toMatchObject({ allowed: false, missing: true });
    expect(judge({ ...DOMAIN, emailVerifiedMissing: "accept" }, claims).allowed).toBe(true);
  });

  test("can come from a claim of its own, and then the address does not count", () => {
    const settings = { ...DOMAIN, domainClaim: "hd" };
    expect(judge(settings, { ...verified("ana@corp.example") }).allowed).toBe(false);
    expect(judge(settings, { ...verified("ana@mail.example"), hd: "corp.example" }).allowed).toBe(true);
  });
});

describe("groups", () => {
  const settings = { ...NONE, allowGroups: ["staff"], denyGroups: ["leavers"], adminGroups: ["admins"] };

  test("admit by equality, and a denied group weighs more", () => {
    expect(judge(settings, { groups: ["staff"] })).toMatchObject({ allowed: true, role: "user" });
    expect(judge(settings, { groups: "staff" }).allowed).toBe(true);
    expect(judge(settings, { groups: ["staff", "leavers"] })).toMatchObject({
      allowed: false,
      missing: false,
      rule: "denied group: leavers",
    });
    for (const groups of [
      ["Staff"],
      ["staff "],
      "staff,admins",
      ["/staff"],
      [["staff"]],
      [{ name: "staff" }],
    ]) {
      expect(judge(settings, { groups }).allowed, JSON.stringify(groups)).toBe(false);
    }
  });

  test("that did not come are told apart from no groups", () => {
    expect(judge(settings, { groups: [] })).toMatchObject({ allowed: false, missing: false, role: "user" });
    for (const claims of [{}, { groups: null }, { groups: 3 }]) {
      const verdict = judge(settings, claims);
      expect(verdict).toMatchObject({ allowed: false, missing: true, role: "keep" });
      expect(verdict.warnings).toHaveLength(1);
    }
    expect(judge({ ...NONE, adminGroups: ["admins"] }, {})).toMatchObject({ allowed: true, role: "keep" });
  });

  test("that are too many for a token count as none that came, and nobody slips past a denied group", () => {
    const overage = { _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint: "https://x" } } };
    expect(judge({ ...NONE, denyGroups: ["leavers"] }, overage)).toMatchObject({
      allowed: false,
      missing: true,
    });
    expect(judge({ ...NONE, adminGroups: ["admins"] }, overage).warnings[0]).toMatch(/more groups/);
  });

  test("decide who is an administrator only where the operator says so", () => {
    expect(judge(settings, { groups: ["staff", "admins"] }).role).toBe("admin");
    expect(judge({ ...NONE, allowGroups: ["staff"] }, { groups: ["staff", "admins"] }).role).toBe(
      "undecided",
    );
  });

  test("and domain must both fit if both are given", () => {
    const both = { ...settings, allowDomains: ["corp.example"] };
    expect(judge(both, { groups: ["staff"], ...verified("ana@evil.example") }).allowed).toBe(false);
    expect(judge(both, { groups: [], ...verified("ana@corp.example") }).allowed).toBe(false);
    expect(judge(both, { groups: ["staff"], ...verified("ana@corp.example") })).toMatchObject({
      allowed: true,
      rule: "allowed domain: corp.example, allowed group: staff",
    });
  });
});

test("A claim is found by its name or by a path, and never in what every object has", () => {
  const claims = { realm_access: { roles: ["a"] }, "https://corp.example/groups": ["b"], list: [{ x: 1 }] };
  expect(claimAt(claims, "realm_access.roles")).toEqual(["a"]);
  expect(claimAt(claims, "https://corp.example/groups")).toEqual(["b"]);
  for (const path of [
    "constructor",
    "__proto__.constructor",
    "realm_access.toString",
    "list.0.x",
    "list.length",
    "a.b",
  ]) {
    expect(claimAt(claims, path), path).toBeUndefined();
  }
});

test("A new account is named as at the provider only if that is a name already", () => {
  expect(accountNameOf(NONE, { preferred_username: "Ana" })).toBe("ana");
  for (const name of [
    "ana@corp.example",
    "ana lopez",
    "-ana",
    "",
    "x".repeat(41),
    7,
    null,
    "an\u0430",
    "ana\n",
  ]) {
    expect(accountNameOf(NONE, { preferred_username: name }), String(name)).toBeUndefined();
  }
  expect(suggestedName(NONE, { preferred_username: "Ana.Lopez@corp.example" })).toBe("ana-lopez");
  expect(suggestedName(NONE, { name: "Ana López" })).toBe("ana-l-pez");
  expect(suggestedName(NONE, { preferred_username: "李" })).toBeUndefined();
});
