// Probes whether the gateway's SSH port can be reached from this network, which decides between the transports direct and
// tunnel. A port counts as open once the server's `SSH-` line arrives: many firewalls accept connections and then stay silent.

import type { Socket } from "node:net";
import { systemCode } from "../../platform/files/private-file.ts";
import { connectByName } from "../../platform/network/happy-eyeballs.ts";
import { whenOverdue } from "../../platform/overdue.ts";

export interface SshAddress {
  readonly host: string;
  readonly port: number;
}

export type Probe =
  | { readonly kind: "open"; readonly ms: number; readonly banner: string }
  | { readonly kind: "blocked"; readonly how: Blocked; readonly ms: number };

type Blocked =
  /** The port, or something in front of it, refused the connection. */
  | "refused"
  /** No connection was made in time. */
  | "dropped"
  /** The connection was accepted, but nothing was sent. */
  | "silent"
  /** The answer was not SSH but, say, a login page. */
  | "not-ssh"
  /** The name could not be resolved. */
  | "dns";

export interface ProbeOptions {
  readonly signal?: AbortSignal;
  /** For the whole probe, in ms. */
  readonly timeoutMs?: number;
}

export const PROBE_TIMEOUT_MS = 3_000;
/** The limit of the lines that a server may send before its version (RFC 4253 §4.2); OpenSSH's client has the same one. */
const MAX_PREAMBLE_BYTES = 8 * 1024;
/**
 * RFC 4253 §4.2 lets both sides begin. A program that shares one port between protocols recognises SSH by this line, and a web
 * server answers it with an error at once instead of waiting.
 */
const OUR_VERSION = "SSH-2.0-sallyport_probe\r\n";

/** Settles within `timeoutMs`. @throws the signal's reason when it is aborted; nothing else */
export function probeSsh(
  { host, port }: SshAddress,
  { signal, timeoutMs = PROBE_TIMEOUT_MS }: ProbeOptions = {},
): Promise<Probe> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    let connected: Socket | undefined;
    let received = "";
    let giveUp = (): void => {};
    const finish = (end: (socket: Socket) => void = (one) => one.destroy()): void => {
      callOff();
      giveUp();
      signal?.removeEventListener("abort", onAbort);
      if (connected === undefined) return;
      connected.removeAllListeners();
      connected.on("error", () => undefined);
      end(connected);
    };
    const blocked = (how: Blocked): void => {
      finish();
      resolve({ kind: "blocked", how, ms: elapsed() });
    };
    const onAbort = (): void => {
      finish();
      reject(signal?.reason);
    };
    const nothingMore = (): void =>
      blocked(connected === undefined ? "dropped" : received === "" ? "silent" : "not-ssh");
    const callOff = whenOverdue(timeoutMs, nothingMore);
    signal?.addEventListener("abort", onAbort, { once: true });
    const listen = (socket: Socket): void => {
      connected = socket;
      socket.write(OUR_VERSION);
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        const judged = judge(received);
        if (judged === "not-ssh") return blocked("not-ssh");
        if (judged === undefined) return;
        finish(leave);
        resolve({ kind: "open", ms: elapsed(), banner: judged.banner });
      });
      socket.on("end", nothingMore);
      socket.on("error", nothingMore);
    };
    giveUp = connectByName(host, port, listen, (error) => blocked(howOf(error)));
  });
}

/** Closes in good order, so that the server does not take this for a broken connection and penalise it. Does not wait. */
function leave(socket: Socket): void {
  socket.resume();
  socket.end();
  socket.setTimeout(1_000, () => socket.destroy());
  socket.unref();
}

/** Judges the text that a server has sent so far; undefined: it is too short to tell. Pure. */
export function judge(received: string): { readonly banner: string } | "not-ssh" | undefined {
  const lines = received.split("\n");
  for (const [index, line] of lines.entries()) {
    const complete = index < lines.length - 1;
    if (line.startsWith("SSH-")) return complete ? { banner: line.trim().slice(0, 255) } : undefined;
    // A web server, whose answer may never end.
    if (/^(?:HTTP\/|<)/.test(line)) return "not-ssh";
  }
  return received.length > MAX_PREAMBLE_BYTES ? "not-ssh" : undefined;
}

function howOf(error: unknown): Blocked {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = systemCode(first);
  if (/^(?:ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/.test(code)) return "dns";
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "EACCES" ? "refused" : "dropped";
}

/** The setting `sallyport.transport`. */
export type TransportSetting = "auto" | "direct" | "tunnel";

export interface TransportChoice {
  readonly transport: "direct" | "tunnel";
  readonly because: "chosen" | "open" | Blocked | "no-ssh-port";
}

/** @param probe undefined if the gateway has no SSH port. Pure. */
export function chooseTransport(setting: TransportSetting, probe: Probe | undefined): TransportChoice {
  if (setting !== "auto") return { transport: setting, because: "chosen" };
  if (probe === undefined) return { transport: "tunnel", because: "no-ssh-port" };
  return probe.kind === "open"
    ? { transport: "direct", because: "open" }
    : { transport: "tunnel", because: probe.how };
}
