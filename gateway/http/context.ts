// What every route of the API works with: the application, and the parts of the gateway below it.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Discovery } from "../../protocol/api.ts";
import type { ClientAddress } from "../address.ts";
import type { Metrics } from "../metrics.ts";
import type { Presence } from "../presence.ts";
import type { Store } from "../store/store.ts";
import type { Downloads } from "./downloads/downloads.ts";
import type { EventStreams } from "./event-streams.ts";
import type { SignInThrottle } from "./sign-in-throttle.ts";

export interface ApiContext {
  /** Made by the caller, with its limits and certificates; Fastify answers its requests. */
  readonly server: Server;
  readonly store: Store;
  readonly presence: Presence;
  readonly events: EventStreams;
  readonly throttle: SignInThrottle;
  /** undefined: without --downloads. */
  readonly downloads: Downloads | undefined;
  readonly clientAddress: ClientAddress;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly discovery: () => Discovery;
  readonly isShuttingDown: () => boolean;
}

export type Api = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
