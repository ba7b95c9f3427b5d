// The gateway's health for an administrator: facts that their browser compares with what it sees, and warnings.

import type { FastifyRequest } from "fastify";
import type { AdminHealth, HealthWarning } from "../../../protocol/admin-api.ts";
import { isLoopback } from "../../../protocol/values/gateway-url.ts";
import { clientAddressText } from "../../../protocol/values/host-name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { VERSION } from "../../../protocol/version.ts";
import { addressMatcher, plainAddress } from "../../address.ts";
import type { ApiContext } from "../context.ts";

const SOON_MS = 14 * 86_400_000;

export async function healthOf(context: ApiContext, request: FastifyRequest): Promise<AdminHealth> {
  const { store, operation } = context;
  const { options } = operation;
  const expiresAt = operation.certificateExpiresAt();
  const started = performance.now();
  const ok = await store.isReady();
  const ms = Math.round((performance.now() - started) * 10) / 10;
  const facts: Omit<AdminHealth, "warnings"> = {
    version: VERSION,
    time: new Date().toISOString(),
    startedAt: operation.startedAt.toISOString(),
    workers: options.workers,
    publicUrl: context.publicUrl(),
    publicUrlConfigured: options.publicUrl !== null,
    trustedProxies: options.trustProxy.slice(0, 100).map((entry) => printable(entry, 100)),
    request: requestFacts(context, request),
    certificate:
      expiresAt === undefined
        ? null
        : { expiresAt: new Date(expiresAt).toISOString(), automatic: options.acme !== null },
    ssh: operation.ssh(),
    database: { ok, ms, bytes: ok ? await store.bytes() : 0 },
    downloads: context.downloads !== undefined,
    pendingRevocations: store.unwritten.size,
    online: operation.online(),
    streams: operation.streams(),
  };
  return { ...facts, warnings: warningsOf(facts) };
}

function requestFacts(context: ApiContext, { raw, clientAddress }: FastifyRequest): AdminHealth["request"] {
  const { trustProxy } = context.operation.options;
  const peer = plainAddress(raw.socket.remoteAddress ?? "");
  const header = (name: string, length: number): string | null => {
    const value = raw.headers[name];
    const text = Array.isArray(value) ? value.join(", ") : value;
    return text === undefined ? null : printable(text, length);
  };
  return {
    address: clientAddressText(clientAddress),
    peer,
    // A request that another process handed over comes by a socket without an address.
    peerTrusted: peer !== "" && addressMatcher(trustProxy)(peer),
    forwarded: raw.headers["x-forwarded-for"] !== undefined,
    forwardedProto: header("x-forwarded-proto", 20),
    host: header("host", 300),
    tls: "encrypted" in raw.socket && raw.socket.encrypted === true,
  };
}

function warningsOf({
  publicUrl,
  publicUrlConfigured,
  request,
  certificate,
  database,
  pendingRevocations,
}: Omit<AdminHealth, "warnings">): HealthWarning[] {
  const { protocol, host, hostname } = new URL(publicUrl);
  const isHttps = protocol === "https:";
  const left =
    certificate === null ? Number.POSITIVE_INFINITY : Date.parse(certificate.expiresAt) - Date.now();
  const warnings: (HealthWarning | false)[] = [
    request.forwarded &&
      !request.peerTrusted && {
        code: "untrusted-forwarding",
        message: `The request came through a proxy at ${request.peer || "an unknown address"}, which --trust-proxy does not name: everybody behind it counts as one address.`,
      },
    request.host !== null &&
      request.host.toLowerCase() !== host && {
        code: "other-host",
        message: `The request was for ${request.host}, but the public URL is ${publicUrl}: cookies, links and redirects are for the public URL.`,
      },
    !publicUrlConfigured && {
      code: "no-public-url",
      message: "The public URL follows from the address that is listened on: give --public-url.",
    },
    !isHttps &&
      !isLoopback(hostname) && {
        code: "plain-http",
        message: "The public URL is http: tokens cross the network in clear text.",
      },
    isHttps &&
      !request.tls &&
      !request.peerTrusted && {
        code: "tls-ends-elsewhere",
        message:
          "The public URL is https, but the request came without TLS from a peer that --trust-proxy does not name.",
      },
    left <= 0 && { code: "certificate-expired", message: "The certificate has expired." },
    left > 0 &&
      left < SOON_MS && { code: "certificate-expires", message: "The certificate expires within two weeks." },
    !database.ok && { code: "database", message: "The database does not answer." },
    pendingRevocations > 0 && {
      code: "not-written",
      message: `${pendingRevocations} revocations are in effect but not written: the disk is full or read-only.`,
    },
  ];
  return warnings
    .filter((warning) => warning !== false)
    .map(({ code, message }) => ({ code, message: printable(message, 500) }));
}
