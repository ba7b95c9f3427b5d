// What the handlers of all WebSocket paths share.

import type { IncomingMessage, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Logger } from "pino";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { SshAddress } from "../../protocol/values/host-name.ts";
import type { Handover } from "../cluster/siblings.ts";
import type { Directory } from "../directory.ts";
import type { LinkRegistry } from "../link/registry.ts";
import type { PendingStreams } from "../link/streams/pending-streams.ts";
import type { OpenConnections } from "../open-connections.ts";
import type { SshAcceptor } from "../ssh/upterm-front.ts";
import type { AcceptedWebSockets } from "./accepted-web-sockets.ts";
import type { PendingUpgrades } from "./pending-upgrades.ts";

export interface UpgradeOptions {
  readonly server: Server | TlsServer;
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly pending: PendingStreams;
  /** Gives other processes the requests that are theirs; undefined: this process serves the address alone. */
  readonly handover: Pick<Handover, "give"> | undefined;
  /** How many processes share the bounds on pending upgrades. */
  readonly workers: number;
  readonly log: Logger;
  readonly metrics: TrafficMetrics;
  /** Failed sign-ins by address, shared with the HTTP API. */
  readonly throttle: FailedSignIns;
  /** authorized_keys form; ed25519 first. */
  readonly gatewayKeys: readonly string[];
  readonly publicUrl: () => GatewayUrl;
  readonly ssh: () => SshAddress | null;
  readonly clientAddress: (request: IncomingMessage) => string;
  /** Hosts may register without an account. */
  readonly allowAccountless: boolean;
  readonly connections: OpenConnections;
  /** For upterm's WebSockets; undefined where no SSH is served. */
  readonly sshServer: () => SshAcceptor | undefined;
}

export interface UpgradeContext extends UpgradeOptions {
  readonly webSockets: AcceptedWebSockets;
  readonly pendingUpgrades: PendingUpgrades;
}

interface TrafficMetrics {
  refused(code: string): void;
  /** Bytes from clients (`in`) and to clients (`out`). */
  bytes(direction: "in" | "out", count: number): void;
}

export interface FailedSignIns {
  /** @throws ProtocolError rate_limited */
  check(address: string): void;
  failed(address: string): void;
}
