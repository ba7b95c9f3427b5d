// The operator's rules: whether somebody with these claims may sign in, and whether they are an administrator. Pure. What a provider
// did not say is told apart from what it said: a group claim that is missing does not mean that somebody is in no group.

import { isName, type Name, nearestName } from "../../../protocol/values/name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import type { RuleSettings } from "./settings/settings.ts";

export type Claims = Readonly<Record<string, unknown>>;

export interface Verdict {
  readonly allowed: boolean;
  /** They are refused only because the provider did not say what a rule asks for. */
  readonly missing: boolean;
  /** The rule that decided, in words. */
  readonly rule: string;
  /** `keep`: the provider decides, but did not say. `undecided`: this provider does not decide it. */
  readonly role: "admin" | "user" | "keep" | "undecided";
  readonly warnings: readonly string[];
}

/** A group list that is longer is a mistake, or an attack. */
const MAX_GROUPS = 5_000;

export function judge(settings: RuleSettings, claims: Claims): Verdict {
  const { allowDomains, allowGroups, denyGroups, adminGroups, groupsClaim } = settings;
  const groups = groupsOf(claimAt(claims, groupsClaim));
  const asksGroups = allowGroups.length + denyGroups.length + adminGroups.length > 0;
  const tooMany = asksGroups && groups === undefined && isTooManyForToken(claims, groupsClaim);
  const warnings: string[] = [];
  if (tooMany) {
    warnings.push(
      `The provider has more groups for this person than fit into a token, and sent none: have it send only groups that are assigned to this application.`,
    );
  } else if (asksGroups && groups === undefined) {
    warnings.push(
      `The claim ${shown(groupsClaim)} is missing: add it to the scopes or mappers of this client.`,
    );
  }
  const role = roleOf(adminGroups, groups);
  const refused = (rule: string, missing = false): Verdict => ({
    allowed: false,
    missing,
    rule,
    role,
    warnings,
  });

  const denied = groups?.find((group) => denyGroups.includes(group));
  if (denied !== undefined) return refused(`denied group: ${shown(denied)}`);
  if (denyGroups.length > 0 && tooMany) return refused("denied groups could not be checked", true);

  const matched: string[] = [];
  if (allowDomains.length > 0) {
    const domain = domainOf(settings, claims);
    if ("problem" in domain) return refused(domain.problem, domain.missing);
    if (!allowDomains.includes(domain.name)) return refused(`domain ${shown(domain.name)} is not allowed`);
    matched.push(`allowed domain: ${domain.name}`);
  }
  if (allowGroups.length > 0) {
    const allowed = groups?.find((group) => allowGroups.includes(group));
    if (allowed === undefined) {
      return groups === undefined
        ? refused("no groups came", true)
        : refused("in none of the allowed groups");
    }
    matched.push(`allowed group: ${shown(allowed)}`);
  }
  const rule = matched.length === 0 ? "everybody of this provider" : matched.join(", ");
  return { allowed: true, missing: false, rule, role, warnings };
}

function roleOf(adminGroups: readonly string[], groups: readonly string[] | undefined): Verdict["role"] {
  if (adminGroups.length === 0) return "undecided";
  if (groups === undefined) return "keep";
  return groups.some((group) => adminGroups.includes(group)) ? "admin" : "user";
}

/**
 * A claim by its name, or by a path through objects: `realm_access.roles`. A claim whose own name has dots
 * (`https://corp.example/groups`) is found by that name first. undefined: it is missing, or null.
 */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path] ?? undefined;
  let value: unknown = claims;
  for (const part of path.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Claims)[part];
  }
  return value ?? undefined;
}

/** undefined: no groups came. A text is one group. */
function groupsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return undefined;
  return value.slice(0, MAX_GROUPS).filter((group) => typeof group === "string");
}

/** Instead of more than 200 groups, Entra ID sends a link that says where they are. */
function isTooManyForToken(claims: Claims, path: string): boolean {
  const names = claims._claim_names;
  return typeof names === "object" && names !== null && Object.hasOwn(names, path);
}

function domainOf(
  { domainClaim, emailVerifiedMissing }: RuleSettings,
  claims: Claims,
): { readonly name: string } | { readonly problem: string; readonly missing: boolean } {
  const missing = (claim: string) => ({ problem: `the claim ${shown(claim)} is missing`, missing: true });
  if (domainClaim !== null) {
    const value = claimAt(claims, domainClaim);
    return typeof value === "string" ? { name: value } : missing(domainClaim);
  }
  const { email, email_verified: verified } = claims;
  if (typeof email !== "string") return missing("email");
  const isSaid = Object.hasOwn(claims, "email_verified");
  if (!isSaid && emailVerifiedMissing === "refuse") return missing("email_verified");
  if (isSaid && verified !== true) return { problem: "the e-mail address is not verified", missing: false };
  const name = emailDomain(email);
  return name === undefined ? { problem: "the e-mail address is malformed", missing: false } : { name };
}

/** Its domain in lower case. Only plain ASCII counts: look-alike letters are a different domain. */
function emailDomain(email: string): string | undefined {
  return /^[^@\s]{1,200}@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/.exec(lowerAscii(email))?.[1];
}

/** `toLowerCase` would make ASCII letters of others, such as the sign for Kelvin. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The name that a new account gets without a question; undefined: the person has to choose. */
export function accountNameOf({ nameClaim }: RuleSettings, claims: Claims): Name | undefined {
  const value = claimAt(claims, nameClaim);
  const name = typeof value === "string" ? lowerAscii(value) : undefined;
  return isName(name) ? name : undefined;
}

/** A name to propose; undefined: nothing could be derived. */
export function suggestedName(settings: RuleSettings, claims: Claims): Name | undefined {
  const exact = accountNameOf(settings, claims);
  if (exact !== undefined) return exact;
  for (const claim of [settings.nameClaim, "email", "name"]) {
    const value = claimAt(claims, claim);
    if (typeof value !== "string" || value.length > 200) continue;
    const local = value.split("@")[0]?.replaceAll(".", "-") ?? "";
    if (/[a-z0-9]/i.test(local)) return nearestName(local, "x");
  }
  return undefined;
}

/** What people see of an identity. */
export function displayOf(claims: Claims, subject: string): string {
  for (const claim of ["email", "preferred_username", "login", "name"]) {
    const value = claims[claim];
    if (typeof value === "string" && value.trim() !== "") return printable(value, 255);
  }
  return printable(subject, 255);
}

function shown(text: string): string {
  return printable(text, 100);
}
