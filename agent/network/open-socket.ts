// Opens the connection to a gateway stage by stage, each with its own deadline and its own words, so that a failure
// names what failed: the name, the network, or the certificate.

import { type LookupAddress, lookup } from "node:dns";
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { CommandError, type Stage } from "../command.ts";

/** Milliseconds. Their sum is the longest that a connection attempt takes. */
export const DEADLINE = { dns: 5_000, tcp: 8_000, tls: 8_000, http: 15_000 } as const;

/**
 * A connected socket to the host of `url`, TLS where the scheme is https or wss. `onWaiting` is called once the last
 * thing is on its way that this side can send, to make use of the time that the network takes.
 * @throws CommandError at stage dns, tcp or tls
 */
export async function openSocket(
  url: URL,
  signal: AbortSignal,
  onWaiting: () => void = () => undefined,
): Promise<Socket | TLSSocket> {
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const addresses = isIP(host) === 0 ? await lookUpHost(host, signal) : undefined;
  const opening = openTcp(host, port, addresses, signal);
  if (!secure) setImmediate(onWaiting);
  const socket = await opening;
  socket.setNoDelay(true);
  if (!secure) return socket;
  const securing = startTls(socket, host, signal);
  setImmediate(onWaiting);
  return await securing;
}

/** A stage of its own, so that a name that does not resolve is told from a machine that does not answer. */
export function lookUpHost(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
  return within("dns", DEADLINE.dns, `looking up ${host}`, signal, (done, fail) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? done(addresses) : fail(error)));
    return () => undefined;
  });
}

/** @param addresses what `host` was found to be; undefined: it is an address itself */
export function openTcp(
  host: string,
  port: number,
  addresses: LookupAddress[] | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  return within("tcp", DEADLINE.tcp, `connecting to ${host} port ${port}`, signal, (done, fail) => {
    // Node tries IPv6 and IPv4 in turn (RFC 8305) by autoSelectFamily, its default.
    const socket = connectTcp({
      host,
      port,
      ...(addresses === undefined ? {} : { lookup: known(addresses) }),
    });
    socket.once("connect", () => {
      socket.off("error", fail);
      done(socket);
    });
    socket.once("error", fail);
    return () => socket.destroy();
  });
}

/** Answers with what was looked up already. */
function known(addresses: LookupAddress[]): LookupFunction {
  return (_host, options, answer) => {
    const [first] = addresses;
    if (options.all === true) answer(null, addresses);
    else answer(null, first?.address ?? "", first?.family);
  };
}

export function startTls(socket: Socket, host: string, signal: AbortSignal): Promise<TLSSocket> {
  return within("tls", DEADLINE.tls, `the TLS handshake with ${host}`, signal, (done, fail) => {
    const secured = connectTls({
      socket,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      host,
      ALPNProtocols: ["http/1.1"],
    });
    secured.once("secureConnect", () => {
      secured.off("error", fail);
      done(secured);
    });
    secured.once("error", fail);
    return () => secured.destroy();
  });
}

/** Runs one stage: settles once, by its result, its error, its deadline or `signal`; cleans up unless it succeeded. */
function within<T>(
  stage: Stage,
  ms: number,
  what: string,
  signal: AbortSignal,
  start: (done: (value: T) => void, fail: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: Error): void => {
      settle();
      cancel();
      reject(stageError(stage, what, error));
    };
    const onAbort = (): void => {
      settle();
      cancel();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error(`no answer within ${ms / 1000} s`);
      error.code = "ETIMEDOUT";
      fail(error);
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
    const cancel = start((value) => {
      settle();
      resolve(value);
    }, fail);
  });
}

const advice: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name does not exist: check its spelling and your network",
  EAI_AGAIN: "the name server does not answer: check your network",
  ECONNREFUSED: "nothing listens there: is the gateway running, and is the port right?",
  ECONNRESET: "the connection was cut: a firewall or proxy may be in the way",
  EHOSTUNREACH: "there is no route to it: check your network or VPN",
  ENETUNREACH: "there is no network: check your connection or VPN",
  ETIMEDOUT: "no answer: a firewall may drop the traffic",
  CERT_HAS_EXPIRED: "its certificate has expired: tell whoever runs the gateway",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name: check the gateway's URL",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "its certificate is self-signed: add its authority with NODE_EXTRA_CA_CERTS, or use one from a known authority",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate comes from an unknown authority: a proxy may be intercepting TLS; add that authority with NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate comes from an unknown authority: a proxy may be intercepting TLS; add that authority with NODE_EXTRA_CA_CERTS",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its certificate comes from an unknown authority: a proxy may be intercepting TLS; add that authority with NODE_EXTRA_CA_CERTS",
  EPROTO: "it does not speak TLS there: is the URL https where it should be http, or the port wrong?",
};

function stageError(stage: Stage, what: string, cause: Error): CommandError {
  const first = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
  const code = errorCode(first) ?? errorCode(cause) ?? "EFAILED";
  const hint = advice[code] ?? (code.startsWith("ERR_SSL") ? advice.EPROTO : undefined);
  return new CommandError(stage, code, `${what} failed: ${hint ?? cause.message} (${code})`, { cause });
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
