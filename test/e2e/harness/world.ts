// The other side of the network: a real gateway on the standard ports, accounts, and hosts that each look like a
// separate machine.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { type GatewayApi, gatewayApi } from "../../../agent/client/gateway-api.ts";
import { Account, CreatedAccessToken, type Key, SCOPES, type Scope } from "../../../protocol/api.ts";
import { PATHS, parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type Name, parseName } from "../../../protocol/values/name.ts";
import { type AccessToken, parseAccessToken } from "../../../protocol/values/token.ts";
import { type KeyFile, registerKeyFile } from "../../../scripts/register-key.ts";
import { CLI } from "../../../scripts/repository.ts";
import { type Program, startProgram } from "../../support/programs/program.ts";
import { GATEWAY_ADDRESS, GATEWAY_HOST, withHome } from "../setup/enclosure.ts";
import { aside, certificate, directory } from "../setup/environment.ts";
import { personEnvironment } from "./editor.ts";

export const GATEWAY_URL = parseGatewayUrl(`https://${GATEWAY_HOST}`);

const GatewayReady = Type.Object({ event: Type.Literal("ready"), adminToken: Type.String() });
const HostReady = Type.Object({
  event: Type.Literal("ready"),
  workspace: Type.Object({ id: Type.String(), name: Type.String() }),
  links: Type.Object({ connect: Type.String(), pinned: Type.String() }),
});

export interface Person {
  readonly name: Name;
  readonly accountId: string;
  readonly token: AccessToken;
  readonly api: GatewayApi;
  /** Puts a key into the account, with its proof. */
  register(path: string, options?: Omit<KeyFile, "path">): Promise<Key>;
}

export interface Host {
  readonly name: string;
  readonly id: string;
  /** The directory that is `~` in the workspace. */
  readonly home: string;
  /** The connect URLs that it printed at its start. */
  readonly links: { readonly connect: string; readonly pinned: string };
  readonly program: Program<unknown>;
}

export class World implements AsyncDisposable {
  readonly #directory: string;
  readonly #gateway: Program<unknown>;
  readonly #admin: AccessToken;
  readonly #hosts: Host[] = [];

  /** @param more flags for the gateway */
  static async start(more: readonly string[] = []): Promise<World> {
    const own = mkdtempSync(join(directory, "world-"));
    const listen = ["--http", `${GATEWAY_ADDRESS}:443`, "--ssh", `${GATEWAY_ADDRESS}:22`];
    const tls = ["--tls-cert", certificate.certFile, "--tls-key", certificate.keyFile];
    const flags = [
      "--json",
      ...listen,
      ...tls,
      "--public-url",
      GATEWAY_URL,
      "--data",
      join(own, "gateway"),
      ...more,
    ];
    const program = await startProgram({
      name: "the gateway",
      command: [process.execPath, CLI, "gateway", ...flags],
      env: personEnvironment(),
      cwd: own,
      logFile: join(own, "gateway.log"),
      schema: GatewayReady,
    });
    return new World(own, program, parseAccessToken(program.ready.adminToken));
  }

  private constructor(own: string, gateway: Program<unknown>, admin: AccessToken) {
    this.#directory = own;
    this.#gateway = gateway;
    this.#admin = admin;
  }

  /** Creates an account with an access token. */
  async person(name: string, scopes: readonly Scope[] = ["account", "connect", "host"]): Promise<Person> {
    const account = await this.#post("/accounts", { name });
    if (!Check(Account, account)) throw new Error(`no account: ${JSON.stringify(account)}`);
    const token = await this.token(account.id, scopes);
    const api = gatewayApi(GATEWAY_URL, { token });
    const register: Person["register"] = (path, options) =>
      registerKeyFile(api, GATEWAY_URL, { path, title: "laptop", ...options });
    return { name: parseName(name), accountId: account.id, token, api, register };
  }

  /** One more access token for an account. */
  async token(accountId: string, scopes: readonly Scope[] = SCOPES): Promise<AccessToken> {
    const wanted = { title: "laptop", scopes: scopes.filter((scope) => scope !== "admin") };
    const created = await this.#post(`/accounts/${accountId}/tokens`, wanted);
    if (!Check(CreatedAccessToken, created)) throw new Error(`no token: ${JSON.stringify(created)}`);
    return parseAccessToken(created.token);
  }

  /**
   * A workspace of `owner`, online when this resolves. A second start under the same name is the same machine again.
   */
  async host(owner: Person, name: string, flags: readonly string[] = []): Promise<Host> {
    const own = join(this.#directory, `host-${name}`);
    const [home, state] = [join(own, "home"), join(own, "state")];
    for (const path of [home, state]) mkdirSync(path, { recursive: true });
    const tokenFile = join(own, "token");
    // A token of its own, so that revoking the person's sign-in does not affect the host.
    const token = await this.token(owner.accountId, ["host"]);
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
    const where = ["--json", "--gateway", GATEWAY_URL, "--name", name, "--token-file", tokenFile];
    const program = await startProgram({
      name: `the host ${name}`,
      command: withHome([process.execPath, CLI, "host", ...where, "--state", state, ...flags], home, aside),
      env: personEnvironment(),
      cwd: own,
      logFile: join(own, "host.log"),
      schema: HostReady,
    });
    const { workspace, links } = program.ready;
    const host = { name, id: workspace.id, home, links, program };
    this.#hosts.push(host);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map(({ program }) => program.stop()));
    await this.#gateway.stop();
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${GATEWAY_URL}${PATHS.api}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#admin}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return await answer.json();
  }
}
