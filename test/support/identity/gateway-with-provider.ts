// A gateway where people sign in by a provider of the test's own.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GatewayOptions } from "../../../gateway/program/options.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { freePort } from "../loopback.ts";
import { temporaryDirectory, testGateway } from "../test-gateway.ts";
import { StandInBrowser } from "./browser.ts";
import { type IdentityProvider, startIdentityProvider } from "./identity-provider.ts";

/** A file for --identity with these entries, and the file of a secret that they may name: `secret`. */
async function identityFile(providers: readonly object[], secret: string): Promise<string> {
  const folder = temporaryDirectory();
  const file = join(folder, "identity.json");
  await writeFile(join(folder, "secret"), `${secret}\n`, { mode: 0o600 });
  await writeFile(file, JSON.stringify({ providers }), { mode: 0o644 });
  return file;
}

export async function gatewayWithProvider(
  settings: Readonly<Record<string, unknown>> = {},
  idpOptions: {
    readonly claimsInIdToken?: boolean;
    readonly down?: boolean;
    /** Of the gateway's URL. Browsers keep its cookies at `localhost`. */
    readonly host?: string;
  } = {},
  overrides: Partial<GatewayOptions> = {},
) {
  const { host = "127.0.0.1", ...more } = idpOptions;
  const url = `http://${host}:${await freePort()}`;
  const idp = await startIdentityProvider({
    redirectUris: [`${url}/sign-in/callback/main`],
    backChannelLogoutUri: `${url}/sign-in/logout/main`,
    afterSignOutUri: `${url}/sign-in`,
    ...more,
  });
  const gateway = await startWith(url, [providerEntry(idp, settings)], idp.clientSecret, overrides);
  return {
    ...gateway,
    idp,
    /** A browser in which `subject` has signed in. */
    signedIn: async (subject: string, claims: Record<string, unknown>) => {
      idp.person = subject;
      idp.claims.set(subject, claims);
      const browser = gateway.browser();
      const visit = await gateway.signIn(browser);
      if (visit.url.pathname !== "/") throw new Error(`not signed in: ${visit.url.href}`);
      return browser;
    },
  };
}

export function providerEntry(
  { issuer, clientId }: Pick<IdentityProvider, "issuer" | "clientId">,
  settings: Readonly<Record<string, unknown>> = {},
): object {
  return {
    id: "main",
    kind: "oidc",
    label: "Main",
    issuer,
    clientId,
    clientSecretFile: "secret",
    scopes: ["openid", "email", "profile", "groups"],
    ...settings,
  };
}

export async function startWith(
  url: string,
  providers: readonly object[],
  secret: string,
  overrides: Partial<GatewayOptions> = {},
) {
  const file = await identityFile(providers, secret);
  const gateway = await testGateway({
    http: { host: "127.0.0.1", port: Number(new URL(url).port) },
    publicUrl: parseGatewayUrl(url),
    identity: { file, provider: null },
    ...overrides,
  });
  /** Goes to the provider and back. */
  const signIn = async (browser: StandInBrowser, query = "", site = "none") =>
    await browser.open(`${url}/sign-in/start/main${query}`, site);
  return {
    ...gateway,
    identityFile: file,
    url,
    signIn,
    /** A browser that has nobody signed in. */
    browser: () => new StandInBrowser(),
    session: (browser: StandInBrowser) => browser.api("GET", `${url}/api/v1/session`),
  };
}
