// What every connection to the SSH port uses.

import type { Logger } from "pino";
import type { FairSlots } from "../../protocol/flow/fair-slots.ts";
import type { KeyExchangeLimits } from "../../protocol/ssh/key-exchange-timer.ts";
import type { Directory } from "../directory.ts";
import type { LinkRegistry } from "../link/registry.ts";
import type { OpenConnections } from "../open-connections.ts";
import type { HostKeyAnnouncement } from "./passage/host-key-announcement.ts";
import type { AuthenticationLimits } from "./sign-in/authentication.ts";
import type { SignIn } from "./sign-in/sign-in.ts";
import type { UptermFront } from "./upterm-front.ts";

export interface ConnectionContext {
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly connections: OpenConnections;
  readonly log: Logger;
  readonly metrics: { bytes(direction: "in" | "out", count: number): void; refused(code: string): void };
  /** Slots of signed-in connections without a stream to a host. */
  readonly idle: FairSlots;
  readonly signIn: SignIn;
  readonly upterm: UptermFront | undefined;
  readonly announcement: HostKeyAnnouncement;
  /** The gateway's private Ed25519 host key. It signs the certificates that the gateway presents to hosts. */
  readonly signingKey: string;
  readonly limits: ConnectionLimits;
  /** How the gateway is named in an `ssh -J` command line: `gateway.example` or `gateway.example:2222`. */
  jumpHost(): string;
}

export interface ConnectionLimits {
  readonly authentication: AuthenticationLimits;
  readonly keyExchange: KeyExchangeLimits;
  /** How long a connection may stay open without any data in either direction; null: no limit. */
  readonly idleTimeoutMs: number | null;
  /** The longest time from sign-in to the end; null: no limit. */
  readonly maxAgeMs: number | null;
}
