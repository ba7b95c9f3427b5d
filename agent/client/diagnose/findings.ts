// The shared state of one diagnosis: its options, and what each stage found for the later ones.

import type { LookupAddress } from "node:dns";
import type { Socket } from "node:net";
import type { Discovery, Key, PendingKey, Workspace } from "../../../protocol/api.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import {
  type AccessToken,
  type OwnerToken,
  parseAccessToken,
  parseOwnerToken,
  tokenKind,
} from "../../../protocol/values/token.ts";
import type { CommandError } from "../../platform/command-error.ts";
import { ownerTokenFromEnvironment } from "../../platform/credentials/environment.ts";
import { readAccessToken } from "../../platform/credentials/store.ts";
import { networkFrom } from "../../platform/network/configured-network.ts";
import type { Network } from "../../platform/network/network.ts";
import type { Route } from "../../platform/network/route.ts";
import type { Machine } from "../../platform/paths.ts";
import { chooseTransport, type Probe, type TransportSetting } from "../reachability/reachability.ts";
import type { SshTrial, TrialDirectory } from "./ssh-trial.ts";

export interface DiagnoseOptions {
  readonly gateway: GatewayUrl;
  readonly workspace: WorkspaceRef;
  /** `auto` by default. */
  readonly transport?: TransportSetting | undefined;
  readonly machine: Machine;
  /** An access or owner token; undefined: the token from the environment, or the one that `sallyport login` stored. */
  readonly token?: string | undefined;
  /** Program and arguments of the companion, up to the gateway and the workspace. */
  readonly companion: readonly string[];
  /** The name under which the person's configuration may hold settings for the workspace. */
  readonly alias?: string | undefined;
  /** A program to use instead of the `ssh` on PATH. */
  readonly ssh?: string | undefined;
  /** The person's SSH configuration where it is not ssh's default one; `none` for none. */
  readonly configFile?: string | undefined;
  /** Host keys to accept for an accountless workspace. */
  readonly hostKeys?: readonly SshPublicKey[] | undefined;
  readonly signal: AbortSignal;
}

export type Credential =
  | { readonly kind: "account"; readonly token: AccessToken }
  | { readonly kind: "owner"; readonly token: OwnerToken }
  | { readonly kind: "none" };

/** How the gateway answered the request for an upgrade. */
export type WebSocketFinding =
  | { readonly kind: "open" }
  /** The gateway itself refused, so the connection to it works. */
  | { readonly kind: "refused"; readonly error: CommandError };

export class Findings {
  readonly options: DiagnoseOptions;
  readonly url: URL;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  /** The first route to the gateway; undefined until the stage `dns` has found it. */
  route: Route | undefined;
  addresses: LookupAddress[] | undefined;
  socket: Socket | undefined;
  discovery: Discovery | undefined;
  probe: Probe | undefined;
  webSocket: WebSocketFinding | undefined;
  record: Workspace | undefined;
  /** The account's keys; undefined: not known. */
  registered: readonly Key[] | undefined;
  /** The account's pending keys, which open nothing yet. */
  pendingKeys: readonly PendingKey[] = [];
  directory: TrialDirectory | undefined;
  trial: SshTrial | undefined;
  #credential: Promise<Credential> | undefined;
  #network: Network | undefined;

  constructor(options: DiagnoseOptions) {
    this.options = options;
    this.url = new URL(options.gateway);
    this.host = this.url.hostname.replace(/^\[|\]$/g, "");
    this.port = this.url.port === "" ? (this.secure ? 443 : 80) : Number(this.url.port);
  }

  /** Configured as for the companion. @throws CommandError: something is configured wrongly */
  get network(): Network {
    this.#network ??= networkFrom(this.options.machine.env);
    return this.#network;
  }

  get secure(): boolean {
    return this.url.protocol === "https:";
  }

  /** undefined until it is decided, which may need a look at the SSH port. */
  get transport(): "direct" | "tunnel" | undefined {
    const setting = this.options.transport ?? "auto";
    if (setting === "auto" && this.discovery === undefined) return undefined;
    return chooseTransport(setting, this.probe).transport;
  }

  /** The workspace's name for the gateway. */
  get workspaceName(): string {
    return this.record?.id ?? formatWorkspaceRef(this.options.workspace);
  }

  /** @throws CommandError, the same on each call */
  credential(): Promise<Credential> {
    this.#credential ??= readCredential(this.options);
    return this.#credential;
  }

  dispose(): void {
    this.socket?.destroy();
    this.directory?.dispose();
  }
}

async function readCredential({ token, gateway, machine }: DiagnoseOptions): Promise<Credential> {
  const given = token?.trim();
  const ownerToken =
    given === undefined
      ? ownerTokenFromEnvironment(gateway, machine.env)
      : tokenKind(given) === "spo"
        ? parseOwnerToken(given)
        : undefined;
  if (ownerToken !== undefined) return { kind: "owner", token: ownerToken };
  if (given !== undefined) return { kind: "account", token: parseAccessToken(given) };
  const found = await readAccessToken(gateway, { env: machine.env });
  return found === undefined ? { kind: "none" } : { kind: "account", token: found.token };
}
