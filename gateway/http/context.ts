// What every route of the API works with: the application, and the parts of the gateway below it.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Discovery } from "../../protocol/api.ts";
import type { ProviderInfo } from "../../protocol/sign-in/api.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { TokenId } from "../../protocol/values/id.ts";
import type { ClientAddress } from "../address.ts";
import type { Liveness } from "../identity/providers/liveness.ts";
import type { Providers } from "../identity/providers/providers.ts";
import type { Sealer } from "../identity/sealed.ts";
import type { LiveConnections } from "../live-connections.ts";
import type { Metrics } from "../metrics.ts";
import type { Presence } from "../presence.ts";
import type { Store } from "../store/store.ts";
import type { Operation } from "./admin/operation.ts";
import type { Downloads } from "./downloads/downloads.ts";
import type { EventStreams } from "./event-streams.ts";
import type { SignInThrottle } from "./sign-in-throttle.ts";

export interface ApiContext {
  /** Made by the caller, with its limits and certificates; Fastify answers its requests. */
  readonly server: Server;
  readonly store: Store;
  readonly presence: Presence;
  readonly events: EventStreams;
  readonly connections: LiveConnections;
  readonly throttle: SignInThrottle;
  /** undefined: without --downloads. */
  readonly downloads: Downloads | undefined;
  readonly clientAddress: ClientAddress;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly discovery: () => Discovery;
  /** The address that clients use. Redirects, cookies and origins follow it, and never a request's Host. */
  readonly publicUrl: () => GatewayUrl;
  readonly sealer: Sealer;
  readonly signInMethods: OfferedSignIn;
  readonly providers: Providers;
  /** Whether people who signed in by a provider may still come in. */
  readonly liveness: Liveness;
  /** Whether the pages for browsers are served. */
  readonly dashboard: boolean;
  readonly isShuttingDown: () => boolean;
  readonly operation: Operation;
}

/** What there is besides access tokens and passkeys to sign in by. */
export interface OfferedSignIn {
  providers(): readonly ProviderInfo[];
  /** Whether programs may sign in by a device code. */
  readonly deviceCodes: boolean;
  /** Where a browser signs out at the provider that it signed in by; null: nowhere. */
  endSessionUrl(signIn: TokenId): Promise<string | null>;
}

export type Api = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
