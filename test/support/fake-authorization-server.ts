// A gateway of which only the sign-in of clients exists: discovery, the OAuth endpoints, and an API that has an empty list for
// valid access tokens. It can be told to misbehave, which the real one never does.

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GRANT, OAUTH_LIFETIMES, OAUTH_PATHS } from "../../protocol/sign-in/oauth.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { newTokenId } from "../../protocol/values/id.ts";
import { newAccessToken, newOneUseCode, newRefreshToken } from "../../protocol/values/token.ts";

interface SignIn {
  readonly id: string;
  readonly client: string;
  readonly scope: string;
  ended: boolean;
}

interface Device {
  readonly userCode: string;
  readonly client: string;
  readonly scope: string;
  polls: number;
  decided?: boolean;
}

interface Code {
  readonly client: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly scope: string;
}

export class FakeAuthorizationServer {
  readonly #server: Server;
  readonly url: GatewayUrl;
  readonly #codes = new Map<string, Code>();
  readonly #access = new Map<string, { readonly signIn: SignIn; expiresAt: number }>();
  readonly #refresh = new Map<string, { readonly signIn: SignIn; replacedAt: number | undefined }>();
  readonly #devices = new Map<string, Device>();
  /** Grant types of the requests to the token endpoint, in order. */
  readonly asked: string[] = [];
  /** The queries of the authorization page. */
  readonly authorizations: URLSearchParams[] = [];
  accessSeconds: number = OAUTH_LIFETIMES.access;
  issuer: string;
  /** The issuer that answers to authorization requests name. */
  answersAs: string;
  /** What the page does with an authorization request. */
  answer: "allow" | "deny" | "wait" = "allow";
  isDown = false;
  takesDeviceCodes = true;
  pollIntervalSeconds = 1;
  graceSeconds: number = OAUTH_LIFETIMES.refreshGrace;
  /** Runs when a renewal has been carried out and its answer was not sent yet. */
  afterRenewal: () => Promise<void> = () => Promise.resolve();

  static async start(): Promise<FakeAuthorizationServer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeAuthorizationServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.url = parseGatewayUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    this.issuer = this.url;
    this.answersAs = this.url;
    server.on("request", (request, response) => void this.#handle(request, response));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get signIns(): readonly SignIn[] {
    return [...new Set([...this.#refresh.values()].map(({ signIn }) => signIn))];
  }

  endAll(): void {
    for (const signIn of this.signIns) signIn.ended = true;
  }

  /** Every access token expires now, whatever was said when it was given. */
  expireAccess(): void {
    for (const access of this.#access.values()) access.expiresAt = 0;
  }

  /** The codes that wait for a decision. */
  get userCodes(): readonly string[] {
    return [...this.#devices.values()].flatMap(({ userCode, decided }) =>
      decided === undefined ? [userCode] : [],
    );
  }

  /** How often the device with this code has asked. */
  polls(userCode: string): number {
    return [...this.#devices.values()].find((device) => device.userCode === userCode)?.polls ?? 0;
  }

  decide(userCode: string, allow: boolean): void {
    for (const device of this.#devices.values()) if (device.userCode === userCode) device.decided = allow;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isDown) return void request.socket.destroy();
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const form = new URLSearchParams(request.method === "POST" ? await textOf(request) : "");
    const [status, body] = await this.#respond(pathname, searchParams, form, request, response);
    if (response.headersSent) return;
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body));
  }

  async #respond(
    path: string,
    query: URLSearchParams,
    form: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<[number, object]> {
    switch (path) {
      case "/.well-known/sallyport":
        return [200, this.#discovery()];
      case OAUTH_PATHS.metadata:
        return [200, this.#metadata()];
      case OAUTH_PATHS.authorize:
        return this.#page(query, response);
      case OAUTH_PATHS.token:
        return await this.#token(form);
      case OAUTH_PATHS.device:
        return this.#device(form);
      case OAUTH_PATHS.revoke:
        for (const [token, { signIn }] of this.#refresh) if (token === form.get("token")) signIn.ended = true;
        return [200, {}];
      case "/api/v1/workspaces": {
        const found = this.#access.get((request.headers.authorization ?? "").replace("Bearer ", ""));
        if (found === undefined) return [401, { code: "token_unknown", message: "Unknown token." }];
        if (found.signIn.ended) return [401, { code: "token_revoked", message: "This sign-in was ended." }];
        if (found.expiresAt < Date.now()) return [401, { code: "token_expired", message: "Expired." }];
        return [200, []];
      }
      default:
        return [404, { code: "not_found", message: "There is nothing at this path." }];
    }
  }

  #page(query: URLSearchParams, response: ServerResponse): [number, object] {
    this.authorizations.push(query);
    const redirectUri = query.get("redirect_uri") ?? "";
    if (this.answer === "wait") return [200, {}];
    const back = new URL(redirectUri);
    back.searchParams.set("state", query.get("state") ?? "");
    back.searchParams.set("iss", this.answersAs);
    if (this.answer === "deny") back.searchParams.set("error", "access_denied");
    else {
      const code = newOneUseCode();
      this.#codes.set(code, {
        client: query.get("client_id") ?? "",
        redirectUri,
        challenge: query.get("code_challenge") ?? "",
        scope: query.get("scope") ?? "",
      });
      back.searchParams.set("code", code);
    }
    response.writeHead(303, { location: back.href }).end();
    return [303, {}];
  }

  async #token(form: URLSearchParams): Promise<[number, object]> {
    const grant = form.get("grant_type") ?? "";
    this.asked.push(grant);
    if (grant === GRANT.code) return this.#byCode(form);
    if (grant === GRANT.device) return this.#byDevice(form);
    const found = this.#refresh.get(form.get("refresh_token") ?? "");
    if (found === undefined || found.signIn.ended || form.get("client_id") !== found.signIn.client)
      return refused("invalid_grant", "This sign-in was ended.");
    if (found.replacedAt !== undefined && found.replacedAt + this.graceSeconds * 1000 <= Date.now()) {
      found.signIn.ended = true;
      return refused("invalid_grant", "This refresh token was used twice.");
    }
    found.replacedAt ??= Date.now();
    const answer = this.#tokens(found.signIn);
    await this.afterRenewal();
    return answer;
  }

  #byCode(form: URLSearchParams): [number, object] {
    const code = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isRight =
      code?.challenge === challenge &&
      code.redirectUri === form.get("redirect_uri") &&
      code.client === form.get("client_id");
    if (code === undefined || !isRight) return refused("invalid_grant", "This code is not valid.");
    return this.#tokens({ id: newTokenId(), client: code.client, scope: code.scope, ended: false });
  }

  #device(form: URLSearchParams): [number, object] {
    const letters = [...randomBytes(8)].map((byte) => "BCDFGHJKLMNPQRSTVWXZ"[byte % 20]).join("");
    const userCode = `${letters.slice(0, 4)}-${letters.slice(4)}`;
    const deviceCode = newOneUseCode();
    const [client, scope] = [form.get("client_id") ?? "", form.get("scope") ?? ""];
    this.#devices.set(deviceCode, { userCode, client, scope, polls: 0 });
    const page = `${this.url}${OAUTH_PATHS.verify}`;
    return [
      200,
      {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?code=${userCode}`,
        expires_in: OAUTH_LIFETIMES.deviceCode,
        interval: this.pollIntervalSeconds,
      },
    ];
  }

  #byDevice(form: URLSearchParams): [number, object] {
    const device = this.#devices.get(form.get("device_code") ?? "");
    if (device === undefined) return refused("invalid_grant", "This device code is not valid.");
    device.polls++;
    if (device.decided === undefined) return refused("authorization_pending", "Not decided yet.");
    if (!device.decided) return refused("access_denied", "Declined.");
    return this.#tokens({ id: newTokenId(), client: device.client, scope: device.scope, ended: false });
  }

  #tokens(signIn: SignIn): [number, object] {
    const [access, refresh] = [newAccessToken(), newRefreshToken()];
    this.#access.set(access, { signIn, expiresAt: Date.now() + this.accessSeconds * 1000 });
    this.#refresh.set(refresh, { signIn, replacedAt: undefined });
    return [
      200,
      {
        access_token: access,
        token_type: "Bearer",
        expires_in: this.accessSeconds,
        refresh_token: refresh,
        scope: signIn.scope,
        account: "ada",
        sign_in: signIn.id,
      },
    ];
  }

  #metadata(): object {
    return {
      issuer: this.issuer,
      code_challenge_methods_supported: ["S256"],
      ...(this.takesDeviceCodes ? { device_authorization_endpoint: `${this.url}${OAUTH_PATHS.device}` } : {}),
      more: true,
    };
  }

  #discovery(): object {
    return {
      product: "sallyport",
      version: "0.1.0",
      apiVersions: [1],
      publicUrl: this.url,
      tunnelUrl: `${this.url.replace("http", "ws")}/tunnel`,
      ssh: null,
      hostKeys: [],
      subprotocols: [],
      openRegistration: false,
      capabilities: ["oauth"],
    };
  }
}

function refused(error: string, description: string): [number, object] {
  return [400, { error, error_description: description }];
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) text += String(part);
  return text;
}
