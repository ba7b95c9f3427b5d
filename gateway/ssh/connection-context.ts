// What every connection to the SSH port works with.

import type { Logger } from "pino";
import type { FairSlots } from "../../protocol/fair-slots.ts";
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
  /** Connections that are signed in and have no stream to a host. */
  readonly idle: FairSlots;
  readonly signIn: SignIn;
  readonly upterm: UptermFront | undefined;
  readonly announcement: HostKeyAnnouncement;
  /** The gateway's ed25519 host key, private, which certificates for hosts are signed with. */
  readonly signingKey: string;
  readonly limits: ConnectionLimits;
  /** How the gateway is named in an `ssh -J` command line: `gateway.example` or `gateway.example:2222`. */
  jumpHost(): string;
}

/** Times in ms. */
export interface ConnectionLimits {
  readonly authentication: AuthenticationLimits;
  readonly keyExchange: KeyExchangeLimits;
  /** Nothing moved either way; null: for ever. */
  readonly idleTimeoutMs: number | null;
  /** From sign-in to the end; null: for ever. */
  readonly maxAgeMs: number | null;
}
