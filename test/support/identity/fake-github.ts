// GitHub as far as sign-in goes, as an Enterprise server: OAuth, /user, /user/emails and memberships of organizations.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface FakeGithub {
  readonly url: string;
  user: Record<string, unknown>;
  emails: unknown;
  /** By organization: the body, or undefined for one that does not show itself. */
  readonly memberships: Map<string, { readonly state: string; readonly role: string }>;
  /** What the token endpoint answers instead, with status 200 as GitHub does. */
  tokenError: string | undefined;
  /** The person has taken the authorization back. */
  revoked: boolean;
  /** All but its page for people is down. */
  down: boolean;
  readonly requests: string[];
}

/** Ends with the test. */
export async function startFakeGithub(secret: string): Promise<FakeGithub> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const challenges = new Map<string, string>();
  const github: FakeGithub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    user: { id: 4_711, login: "Ana", name: "Ana López" },
    emails: [
      { email: "old@corp.example", primary: false, verified: true },
      { email: "ana@corp.example", primary: true, verified: true },
    ],
    memberships: new Map(),
    tokenError: undefined,
    revoked: false,
    down: false,
    requests: [],
  };
  server.on("request", async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", github.url);
    github.requests.push(`${request.method} ${pathname}`);
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (github.down && pathname !== "/login/oauth/authorize") return json(503, {});
    if (pathname === "/login/oauth/authorize") {
      const back = new URL(searchParams.get("redirect_uri") ?? "");
      challenges.set("the-code", searchParams.get("code_challenge") ?? "");
      back.searchParams.set("code", "the-code");
      back.searchParams.set("state", searchParams.get("state") ?? "");
      response.writeHead(302, { location: back.href }).end();
      return;
    }
    if (pathname === "/login/oauth/access_token") {
      let text = "";
      for await (const chunk of request) text += chunk;
      const form = new URLSearchParams(text);
      if (github.tokenError !== undefined) return json(200, { error: github.tokenError });
      const challenge = createHash("sha256")
        .update(form.get("code_verifier") ?? "")
        .digest("base64url");
      const isRight =
        form.get("client_secret") === secret &&
        form.get("code") === "the-code" &&
        challenges.get("the-code") === challenge;
      return isRight
        ? json(200, { access_token: "gho_x", token_type: "bearer", scope: "user:email,read:org" })
        : json(200, { error: "bad_verification_code" });
    }
    if (request.headers.authorization !== "Bearer gho_x" || github.revoked) return json(401, {});
    if (pathname === "/api/v3/user") return json(200, github.user);
    if (pathname === "/api/v3/user/emails") return json(200, github.emails);
    const organization = /^\/api\/v3\/user\/memberships\/orgs\/([^/]+)$/.exec(pathname)?.[1];
    const membership = organization === undefined ? undefined : github.memberships.get(organization);
    return membership === undefined ? json(404, {}) : json(200, membership);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return github;
}
