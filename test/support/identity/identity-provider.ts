// A real OpenID Connect provider (oidc-provider) in this process, whose people sign in without typing. What it says of them and
// whether it answers at all is up to the test.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type Configuration } from "oidc-provider";
import { onTestFinished } from "vitest";

export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in next: the subject. */
  person: string;
  /** The claims of each subject. */
  readonly claims: Map<string, Record<string, unknown>>;
  /** Requests that came, as `POST /token`. */
  readonly requests: string[];
  readonly oidc: Provider;
  /** From now on it answers nothing; or it does again. */
  setDown(down: boolean): void;
  /** All that a person has is ended there, as if an administrator disabled them. */
  disable(subject: string): Promise<void>;
  /** What ties a person's browser there to the gateway's tokens: one per browser. */
  grantsOf(subject: string): readonly string[];
  endGrant(id: string): Promise<void>;
}

interface Wanted {
  readonly redirectUris: readonly string[];
  readonly backChannelLogoutUri?: string;
  readonly afterSignOutUri?: string;
  /** All claims are in the ID token itself. */
  readonly claimsInIdToken?: boolean;
  /** It does not answer at first. */
  readonly down?: boolean;
}

/** Ends with the test. */
export async function startIdentityProvider(wanted: Wanted): Promise<IdentityProvider> {
  const clientId = "sallyport";
  const clientSecret = "a-secret-of-the-client-1234567890";
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const claims = new Map<string, Record<string, unknown>>();
  const requests: string[] = [];
  const grants = new Map<string, Set<string>>();
  let down = wanted.down ?? false;

  const configuration: Configuration = {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [...wanted.redirectUris],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        ...(wanted.backChannelLogoutUri === undefined
          ? {}
          : {
              backchannel_logout_uri: wanted.backChannelLogoutUri,
              backchannel_logout_session_required: true,
            }),
        ...(wanted.afterSignOutUri === undefined
          ? {}
          : { post_logout_redirect_uris: [wanted.afterSignOutUri] }),
      },
    ],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username"],
      groups: ["groups", "realm_access"],
    },
    scopes: ["openid", "email", "profile", "groups", "offline_access"],
    conformIdTokenClaims: wanted.claimsInIdToken !== true,
    pkce: { required: () => true },
    cookies: { keys: ["a key for the tests"] },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      revocation: { enabled: true },
    },
    // Its own one refuses addresses of this machine.
    fetch: (address, options) => {
      const { dispatcher: _, ...rest } = options as Omit<RequestInit, "dispatcher"> & {
        dispatcher?: unknown;
      };
      return fetch(address, rest);
    },
    // A refresh token without the person's consent to offline access, as most providers give one.
    issueRefreshToken: async () => true,
    interactions: { url: (_context, interaction) => `/login/${interaction.uid}` },
    findAccount: (_context, subject) => ({
      accountId: subject,
      claims: async () => ({ sub: subject, ...claims.get(subject) }),
    }),
    loadExistingGrant: async (context) => {
      const accountId = context.oidc.session?.accountId ?? "";
      const known = context.oidc.session?.grantIdFor(clientId);
      if (known !== undefined) return await context.oidc.provider.Grant.find(known);
      const grant = new context.oidc.provider.Grant({ clientId, accountId });
      grant.addOIDCScope("openid email profile groups offline_access");
      const id = await grant.save();
      grants.set(accountId, (grants.get(accountId) ?? new Set()).add(id));
      return grant;
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
      Grant: 3600,
      Interaction: 600,
      Session: 3600,
      RefreshToken: 3600,
    },
  };
  const oidc = new Provider(issuer, configuration);
  const answer = oidc.callback();
  const idp: IdentityProvider = {
    issuer,
    clientId,
    clientSecret,
    person: "",
    claims,
    requests,
    oidc,
    setDown: (value) => {
      down = value;
    },
    disable: async (subject) => {
      for (const id of idp.grantsOf(subject)) await idp.endGrant(id);
    },
    grantsOf: (subject) => [...(grants.get(subject) ?? [])],
    endGrant: async (id) => {
      await (await oidc.Grant.find(id))?.destroy();
    },
  };
  server.on("request", (request, response) => {
    requests.push(`${request.method} ${request.url?.split("?")[0]}`);
    if (down) {
      request.socket.destroy();
      return;
    }
    if (request.url?.startsWith("/login/")) {
      void oidc.interactionFinished(request, response, { login: { accountId: idp.person } });
      return;
    }
    void answer(request, response);
  });
  onTestFinished(() => closed(server));
  return idp;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
