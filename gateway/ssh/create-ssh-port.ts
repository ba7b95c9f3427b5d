// Assembles the SSH port from the gateway's parts.

import type { Logger } from "pino";
import { type FairLimits, FairSlots } from "../../protocol/flow/fair-slots.ts";
import { KEY_EXCHANGE_LIMITS } from "../../protocol/ssh/key-exchange-timer.ts";
import { addressMatcher, formatAddress, type ListenAddress } from "../address.ts";
import { perWorker } from "../cluster/per-worker.ts";
import type { Directory } from "../directory.ts";
import type { HostKeys } from "../host-keys/host-keys.ts";
import type { LinkRegistry } from "../link/registry.ts";
import type { MetricsRegistry } from "../metrics.ts";
import type { OpenConnections } from "../open-connections.ts";
import type { GatewayOptions } from "../program/options.ts";
import type { ConnectionLimits } from "./connection-context.ts";
import {
  ADMISSION_LIMITS,
  Admission,
  type AdmissionLimits,
  limitsPerWorker,
  type Offence,
} from "./entrance/admission.ts";
import { createHostKeyAnnouncement } from "./passage/host-key-announcement.ts";
import { AUTHENTICATION_LIMITS, type AuthenticationLimits } from "./sign-in/authentication.ts";
import { SignIn } from "./sign-in/sign-in.ts";
import { loadUserAuthorities } from "./sign-in/user-authorities.ts";
import { SSH_PORT_LIMITS, SshPort, type SshPortLimits } from "./ssh-port.ts";
import type { UptermFront } from "./upterm-front.ts";

/** Limits that tests shorten, and the clock that they move. */
export interface SshLimits {
  readonly admission: AdmissionLimits;
  readonly port: SshPortLimits;
  readonly authentication: AuthenticationLimits;
  readonly keyExchange: ConnectionLimits["keyExchange"];
  readonly idle: IdleLimits;
  /** The clock by which penalties fade; ms. */
  readonly now: () => number;
}

/**
 * Bounds on signed-in connections without a stream, per account and per address. Connections with streams are
 * bounded by their streams.
 */
type IdleLimits = Required<FairLimits>;
const IDLE_LIMITS: IdleLimits = { total: 1_000, perHolder: 100, stalledMs: 1_000 };
/**
 * Each of several processes allows at least this many per holder, since connections are not spread evenly.
 */
const LEAST_IDLE = 25;

interface SshParts {
  readonly options: GatewayOptions;
  readonly hostKeys: HostKeys;
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly connections: OpenConnections;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly upterm: UptermFront | undefined;
  /** The address at which clients reach the port. */
  readonly publicAddress: () => ListenAddress | null;
  readonly limits: Partial<SshLimits>;
  /** How many processes share the limits. */
  readonly processes: number;
  /** An address was penalized. The caller tells the other processes, which penalize it as well. */
  readonly onOffence: (address: string, offence: Offence) => void;
}

export interface CreatedSshPort {
  readonly port: SshPort;
  readonly admission: Admission;
}

/** The port does not listen yet. @throws StartError stage `file`: the user CA file */
export async function createSshPort(parts: SshParts): Promise<CreatedSshPort> {
  const { options, hostKeys, directory, registry, connections, log, metrics, upterm, limits } = parts;
  const authorities = options.userCa === null ? undefined : await loadUserAuthorities(options.userCa);
  const bounds = limitsPerWorker(limits.admission ?? ADMISSION_LIMITS, parts.processes);
  const admission = new Admission(bounds, limits.now);
  const [signingKey] = hostKeys.privateKeys;
  if (signingKey === undefined) throw new Error("the gateway has no host key");
  const port = new SshPort({
    hostKeys,
    admission,
    limits: limits.port ?? SSH_PORT_LIMITS,
    isProxy: addressMatcher(options.trustedProxies),
    onRefusal: (reason) => metrics.sshRefused(reason),
    onOffence: parts.onOffence,
    context: {
      directory,
      registry,
      connections,
      log,
      metrics,
      idle: new FairSlots(idlePerWorker(limits.idle ?? IDLE_LIMITS, parts.processes)),
      signIn: new SignIn({ directory, registry, authorities, upterm }),
      upterm,
      announcement: createHostKeyAnnouncement(hostKeys),
      signingKey,
      limits: {
        authentication: limits.authentication ?? AUTHENTICATION_LIMITS,
        keyExchange: limits.keyExchange ?? KEY_EXCHANGE_LIMITS,
        idleTimeoutMs: milliseconds(options.sshIdleTimeout),
        maxAgeMs: milliseconds(options.sshMaxSession),
      },
      jumpHost: () => {
        const address = parts.publicAddress();
        if (address === null) return "GATEWAY";
        return address.port === 22 ? address.host : formatAddress(address);
      },
    },
  });
  return { port, admission };
}

function idlePerWorker({ total, perHolder, stalledMs }: IdleLimits, processes: number): IdleLimits {
  return {
    total: perWorker(total, processes),
    perHolder: perWorker(perHolder, processes, LEAST_IDLE),
    stalledMs,
  };
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
