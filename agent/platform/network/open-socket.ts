// Opens the connection to a gateway in stages (name, TCP, proxy, TLS), each with its own deadline, so that a failure names the
// stage that failed.

import { type LookupAddress, lookup } from "node:dns";
import { isIP, type Socket } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { CommandError } from "../command-error.ts";
import { connectFirst } from "./happy-eyeballs.ts";
import type { Network } from "./network.ts";
import { endpointOf, type Route } from "./route.ts";
import { DEADLINE, runStage } from "./stage-run.ts";
import type { TlsOptions } from "./tls-handshake.ts";

const DIRECT: readonly Route[] = [{ kind: "direct" }];

export interface OpenOptions {
  /** undefined: no proxy, and Node's own authorities. */
  readonly network?: Network | undefined;
  /** Called once this side has nothing more to send, so that the caller can use the time that the network takes. */
  readonly onWaiting?: () => void;
}

/**
 * A connected socket to the host of `url`, with TLS where the scheme is https or wss.
 * @throws CommandError at stage dns, tcp, proxy or tls
 */
export async function openSocket(
  url: URL,
  signal: AbortSignal,
  options: OpenOptions = {},
): Promise<Socket | TLSSocket> {
  const { network } = options;
  try {
    return await open(url, signal, options, await network?.tlsOptions());
  } catch (error) {
    if (!isUntrusted(error)) throw error;
    const trusted = await network?.tlsOptionsWithSystem();
    try {
      if (trusted === undefined) throw error;
      return await open(url, signal, options, trusted);
    } catch (again) {
      if (!isUntrusted(again)) throw again;
      const { explainUntrusted } = await import("./presented-chain.ts");
      if (again.stage === "proxy") throw again;
      throw await explainUntrusted(
        again,
        endpointOf(url).host,
        () => openPlain(url, signal, { ...options, trust: trusted }),
        (what, start) => runStage("tls", DEADLINE.tls, what, signal, start),
      );
    }
  }
}

async function open(
  url: URL,
  signal: AbortSignal,
  options: OpenOptions,
  trust: SecureContextOptions | undefined,
): Promise<Socket | TLSSocket> {
  const { host, port, secure } = endpointOf(url);
  const loading = secure ? loadTls() : undefined;
  const opening = openPlain(url, signal, { ...options, trust });
  if (loading === undefined) {
    setImmediate(options.onWaiting ?? (() => undefined));
    return await opening;
  }
  const socket = await opening;
  const sessions = options.network?.tlsSessions;
  const securing = startTls(socket, host, signal, { trust, sessions, port }, loading);
  setImmediate(options.onWaiting ?? (() => undefined));
  return await securing;
}

export interface PlainOptions {
  readonly network?: Network | undefined;
  /** For the connection to a proxy that speaks TLS itself. */
  readonly trust?: SecureContextOptions | undefined;
}

/**
 * The connection below TLS, by the first route that works.
 * @throws CommandError at stage dns, tcp or proxy
 */
export async function openPlain(
  url: URL,
  signal: AbortSignal,
  { network, trust }: PlainOptions = {},
): Promise<Socket> {
  const routes = network === undefined ? DIRECT : await network.routes(endpointOf(url), signal);
  let failure: unknown;
  for (const route of routes) {
    try {
      return await openRoute(route, url, signal, { network, trust });
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function openRoute(
  route: Route,
  url: URL,
  signal: AbortSignal,
  { network, trust }: PlainOptions,
): Promise<Socket> {
  const { host, port, secure } = endpointOf(url);
  if (route.kind === "direct") return await openHost(host, port, signal, network);
  const { openThroughProxy } = await import("./proxy/open-through-proxy.ts");
  return await openThroughProxy(
    route,
    { host, port, secure },
    {
      open: (to, at) => openHost(to, at, signal, network),
      secure: (socket, to) => startTls(socket, to, signal, { trust }),
      runStage: (what, start) => runStage("proxy", DEADLINE.proxy, what, signal, start),
    },
  );
}

async function openHost(
  host: string,
  port: number,
  signal: AbortSignal,
  network: Network | undefined,
): Promise<Socket> {
  const addresses = isIP(host) === 0 ? await lookUpKnown(host, signal, network) : undefined;
  const socket = await openTcp(host, port, addresses, signal);
  socket.setNoDelay(true);
  return socket;
}

async function lookUpKnown(
  host: string,
  signal: AbortSignal,
  network: Network | undefined,
): Promise<readonly LookupAddress[]> {
  try {
    const addresses = await lookUpHost(host, signal);
    network?.addresses.set(host, addresses);
    return addresses;
  } catch (error) {
    const known = network?.addresses.get(host);
    if (known === undefined || signal.aborted) throw error;
    return known;
  }
}

/** A separate stage, to tell a name that does not resolve from a machine that does not answer. */
export function lookUpHost(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
  return runStage("dns", DEADLINE.dns, `looking up ${host}`, signal, (done, fail) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? done(addresses) : fail(error)));
    return () => undefined;
  });
}

/** @param addresses of `host`; undefined: `host` is an address itself */
export function openTcp(
  host: string,
  port: number,
  addresses: readonly LookupAddress[] | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  return runStage("tcp", DEADLINE.tcp, `connecting to ${host} port ${port}`, signal, (done, fail) =>
    connectFirst(addresses ?? [{ address: host, family: isIP(host) }], port, done, fail),
  );
}

/** The certificate is always verified, whatever the environment says. */
export async function startTls(
  socket: Socket,
  host: string,
  signal: AbortSignal,
  options: TlsOptions = {},
  loading = loadTls(),
): Promise<TLSSocket> {
  const what = `the TLS handshake with ${host}`;
  const { handshake } = await runStage<TlsModule>("tls", DEADLINE.tls, what, signal, (done, fail) => {
    // TLS would wait for a connection that broke meanwhile.
    socket.once("error", fail);
    const stopListening = (): unknown => socket.off("error", fail);
    loading.finally(stopListening).then(done, fail);
    return () => socket.destroy();
  });
  return await runStage("tls", DEADLINE.tls, what, signal, (done, fail) =>
    handshake(socket, host, options, done, fail),
  );
}

type TlsModule = typeof import("./tls-handshake.ts");

/** Of a companion's start, Node's own TLS takes the most, so one without TLS does not load it. */
function loadTls(): Promise<TlsModule> {
  return import("./tls-handshake.ts");
}

/** Whether the gateway, or a proxy that speaks TLS, presented a chain that ends at an authority that is not trusted. */
function isUntrusted(error: unknown): error is CommandError {
  return (
    error instanceof CommandError &&
    (error.stage === "tls" || error.stage === "proxy") &&
    /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?)$/.test(
      error.code,
    )
  );
}
