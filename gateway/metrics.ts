// The gateway's metrics, for Prometheus. They are served on an address of their own, never with the API.

import { createServer, type Server } from "node:http";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { isErrorCode } from "../protocol/errors.ts";

/** As seen from the client: it sends `in`, and receives `out`. */
type Direction = "in" | "out";

/** What links, tunnels and the API count. Every call is cheap enough for each chunk of bytes. */
export interface Metrics {
  bytes(direction: Direction, count: number): void;
  refused(code: string): void;
  sshRefused(reason: SshRefusal): void;
  /** An attempt to get a certificate failed. `code` is one of ours. */
  acmeFailed(code: string): void;
  /** `route` is the pattern (`/api/v1/workspaces/:ref`), never the URL: labels stay few and hold no ids. */
  apiRequest(method: string, route: string, status: number, seconds: number): void;
}

/** Why the SSH port refused a connection before it began; `stalled`: it was evicted because it stalled. */
type SshRefusal = "penalty" | "address" | "full" | "random" | "stalled" | "proxy";

/** Numbers that are read whenever the metrics are. */
interface Levels {
  readonly links: () => number;
  readonly streams: () => number;
  readonly sshConnections: () => number;
  readonly sshPending: () => number;
  readonly sshPenalized: () => number;
  /** Revocations that are in effect and that the database has not taken. */
  readonly unwritten: () => number;
  /** In milliseconds since 1970. Missing: the gateway serves without TLS; undefined: it has no certificate yet. */
  readonly certificateExpiresAt?: () => number | undefined;
}

export interface MetricsRegistry extends Metrics {
  /** Prometheus text format, and its content type. */
  render(): Promise<{ contentType: string; body: string }>;
  /** What the primary aggregates over its workers. */
  json(): Promise<object[]>;
}

export function createMetrics(options: { process: boolean; levels: Levels }): MetricsRegistry {
  const registry = new Registry();
  // Watching the event loop and the garbage collector costs a little, so only where the metrics are served.
  if (options.process) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: "sallyport_sessions",
    help: "Workspaces that are online at this gateway.",
    registers,
    collect() {
      this.set(options.levels.links());
    },
  });
  new Gauge({
    name: "sallyport_streams",
    help: "Streams open to workspaces.",
    registers,
    collect() {
      this.set(options.levels.streams());
    },
  });
  // Each process knows all penalties, so they are not added up as the others are.
  for (const [name, help, level, aggregator] of [
    ["sallyport_ssh_connections", "Connections open at the SSH port.", options.levels.sshConnections, "sum"],
    [
      "sallyport_ssh_pending",
      "Connections at the SSH port that are not signed in.",
      options.levels.sshPending,
      "sum",
    ],
    [
      "sallyport_ssh_penalized_addresses",
      "Addresses that the SSH port refuses for a while.",
      options.levels.sshPenalized,
      "max",
    ],
    [
      "sallyport_unwritten_revocations",
      "Revocations that are in effect and that the database has not taken: its disk is full or cannot be written.",
      options.levels.unwritten,
      "max",
    ],
  ] as const) {
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(level());
      },
    });
  }
  const { certificateExpiresAt } = options.levels;
  if (certificateExpiresAt !== undefined) {
    new Gauge({
      name: "sallyport_certificate_expiry_seconds",
      help: "Time until the TLS certificate that is served expires; 0 while there is none, negative once it has expired.",
      registers,
      // A worker that has missed a renewal shows.
      aggregator: "min",
      collect() {
        const at = certificateExpiresAt();
        this.set(at === undefined ? 0 : (at - Date.now()) / 1_000);
      },
    });
  }
  const acmeFailures = acmeFailureCounter(registry);
  const sshRefusals = new Counter({
    name: "sallyport_ssh_refused_connections_total",
    help: "Connections that the SSH port turned away before they began, by reason.",
    labelNames: ["reason"],
    registers,
  });
  const bytes = new Counter({
    name: "sallyport_bytes_total",
    help: "Payload bytes carried, by direction as seen from the client.",
    labelNames: ["direction"],
    registers,
  });
  const sent = bytes.labels("in");
  const received = bytes.labels("out");
  const refusals = new Counter({
    name: "sallyport_refusals_total",
    help: "Refused requests, registrations and streams, by error code.",
    labelNames: ["code"],
    registers,
  });
  const requests = new Counter({
    name: "sallyport_api_requests_total",
    help: "HTTP requests answered, by method, route and status.",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const duration = new Histogram({
    name: "sallyport_api_request_seconds",
    help: "Time to answer an HTTP request.",
    labelNames: ["route"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  return {
    bytes: (direction, count) => (direction === "in" ? sent : received).inc(count),
    refused: (code) => refusals.inc({ code: isErrorCode(code) ? code : "other" }),
    sshRefused: (reason) => sshRefusals.inc({ reason }),
    acmeFailed: (code) => acmeFailures.inc({ code }),
    apiRequest: (method, route, status, seconds) => {
      requests.inc({ method, route, status: String(status) });
      duration.observe({ route }, seconds);
    },
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    json: () => registry.getMetricsAsJSON(),
  };
}

/** Where there are workers, the primary counts these. */
export function acmeFailureCounter(registry: Registry): Counter<"code"> {
  return new Counter({
    name: "sallyport_acme_failures_total",
    help: "Attempts to get a certificate that failed, by code.",
    labelNames: ["code"],
    registers: [registry],
  });
}

/** A server for `GET /metrics` only; not listening yet. */
export function createMetricsServer(metrics: Pick<MetricsRegistry, "render">): Server {
  return createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain" }).end("Metrics are at GET /metrics.\n");
      return;
    }
    metrics.render().then(
      ({ contentType, body }) => response.writeHead(200, { "content-type": contentType }).end(body),
      () => response.writeHead(500, { "content-type": "text/plain" }).end("The metrics could not be read.\n"),
    );
  });
}
