// An administrator's test of a provider: the claims that came and the rule that matched. It signs nobody in.

import type { ProtocolError } from "../../../../protocol/errors.ts";
import type { ProviderTest } from "../../../../protocol/sign-in/provider-api.ts";
import type { TokenId } from "../../../../protocol/values/id.ts";
import { printable } from "../../../../protocol/values/printable.ts";
import type { Store } from "../../../store/store.ts";
import { allClaims, type ProvedIdentity, type Provider } from "../provider.ts";
import { accountNameOf, judge } from "../rules.ts";

const MAX_BYTES = 32 * 1024;
const MAX_CLAIMS = 200;
const MAX_VALUE = 4_000;
/** They say nothing about the person, and the nonce is a secret of the attempt. */
const OF_THE_TOKEN = new Set(["nonce", "at_hash", "c_hash", "s_hash"]);

type Outcome = { readonly proved: ProvedIdentity } | { readonly error: ProtocolError };

export async function saveTest(
  store: Store,
  session: TokenId,
  provider: Provider,
  outcome: Outcome,
): Promise<void> {
  await store.providerSignIns.saveTest(
    session,
    provider.settings.id,
    JSON.stringify(resultOf(provider, outcome)),
  );
}

/** The last test that was made in a browser session; undefined: none was. */
export async function lastTest(
  store: Store,
  session: TokenId,
  provider: string,
): Promise<ProviderTest | undefined> {
  const row = await store.providerSignIns.test(session, provider);
  // Written by `saveTest`.
  return row === undefined ? undefined : (JSON.parse(row.result) as ProviderTest);
}

function resultOf({ settings }: Provider, outcome: Outcome): ProviderTest {
  const base = { provider: settings.id, at: new Date().toISOString() };
  if ("error" in outcome) {
    const { code, message } = outcome.error;
    const nothing = { claims: [], truncated: false, issuer: settings.issuer, subject: "", allowed: false };
    const error = { code, message: printable(message, 1_000) };
    return { ...base, ...nothing, rule: "", admin: null, warnings: [], accountName: null, error };
  }
  const { proved } = outcome;
  const claims = allClaims(proved);
  const verdict = judge(settings, claims);
  const result: ProviderTest = {
    ...base,
    ...shownClaims(proved),
    issuer: printable(proved.issuer, 500),
    subject: printable(proved.subject, 255),
    allowed: verdict.allowed,
    rule: printable(verdict.rule, 500),
    admin: verdict.role === "admin" ? true : verdict.role === "user" ? false : null,
    warnings: verdict.warnings.slice(0, 20).map((text) => printable(text, 500)),
    accountName: accountNameOf(settings, claims) ?? null,
    error: null,
  };
  return result;
}

function shownClaims(proved: ProvedIdentity): Pick<ProviderTest, "claims" | "truncated"> {
  const claims: ProviderTest["claims"] = [];
  let bytes = 0;
  for (const from of ["id_token", "userinfo"] as const) {
    const source = from === "id_token" ? proved.claims.idToken : proved.claims.userinfo;
    for (const [name, value] of Object.entries(source)) {
      if (OF_THE_TOKEN.has(name)) continue;
      const claim = {
        name: printable(name, 255),
        value: printable(JSON.stringify(value) ?? "", MAX_VALUE),
        from,
      };
      bytes += Buffer.byteLength(JSON.stringify(claim));
      if (bytes > MAX_BYTES || claims.length >= MAX_CLAIMS) return { claims, truncated: true };
      claims.push(claim);
    }
  }
  return { claims, truncated: false };
}
