// The stages that lead to the gateway: its name, its HTTPS port, its certificate, what it says about itself, its SSH port, and
// WebSockets.

import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { isPlainRemote, PATHS, SUBPROTOCOL, WORKSPACE_HEADER } from "../../../protocol/values/gateway-url.ts";
import { formatWorkspaceRef } from "../../../protocol/values/name.ts";
import { CommandError } from "../../platform/command-error.ts";
import { dialWebSocket } from "../../platform/network/dial-web-socket.ts";
import { lookUpHost, openPlain, openSocket, openTcp, startTls } from "../../platform/network/open-socket.ts";
import { proxyLabel } from "../../platform/network/proxy/proxy-address.ts";
import { endpointOf } from "../../platform/network/route.ts";
import { DEADLINE } from "../../platform/network/stage-run.ts";
import { gatewayApi } from "../gateway-api.ts";
import { PROBE_TIMEOUT_MS, probeSsh } from "../reachability/reachability.ts";
import { adviceFor, explain, fail, warn } from "./advice.ts";
import type { Findings } from "./findings.ts";
import type { StageId, Verdict } from "./report.ts";
import type { Stage } from "./run-stages.ts";

const EXPIRES_SOON_DAYS = 7;
const DAY_MS = 24 * 3600 * 1000;
/** For reading and running a script that chooses the proxy. */
const PROXY_SCRIPT_MS = 10_000;

export function networkStages(findings: Findings): Stage[] {
  const stage = (
    id: StageId,
    deadlineMs: number,
    needs: readonly StageId[],
    run: (findings: Findings, signal: AbortSignal) => Promise<Verdict>,
  ): Stage => ({ id, deadlineMs, needs: () => needs, run: (signal) => run(findings, signal) });
  return [
    stage("dns", DEADLINE.dns + PROXY_SCRIPT_MS, [], dns),
    stage("tcp", DEADLINE.dns + DEADLINE.tcp + DEADLINE.tls + DEADLINE.proxy, ["dns"], tcp),
    stage("tls", 3 * DEADLINE.tls, ["tcp"], tls),
    stage("discovery", 10_000, ["tls", "tcp"], discovery),
    stage("ssh-port", PROBE_TIMEOUT_MS + 1_000, ["discovery"], sshPort),
    stage("ssh-banner", 1_000, ["ssh-port"], sshBanner),
    stage("websocket", DEADLINE.http, ["discovery"], webSocket),
  ];
}

async function dns(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { host, network, url } = findings;
  [findings.route] = await network.routes(endpointOf(url), signal);
  if (findings.route?.kind === "proxy") {
    const { address, from } = findings.route;
    const detail = `The proxy ${proxyLabel(address)} (from ${from}) looks ${host} up.`;
    return { status: "ok", detail };
  }
  if (isIP(host) !== 0) return { status: "ok", detail: `${host} is an address.` };
  findings.addresses = await lookUpHost(host, signal);
  const addresses = findings.addresses.map(({ address }) => address);
  return { status: "ok", detail: `${host} has the address ${addresses.slice(0, 4).join(", ")}.` };
}

async function tcp(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { host, port, addresses, route, network, url } = findings;
  if (route?.kind === "proxy") {
    const socket = await openPlain(url, signal, { network, trust: await network.tlsOptions() });
    socket.on("error", () => undefined);
    findings.socket = socket;
    return { status: "ok", detail: `The proxy ${proxyLabel(route.address)} connected to port ${port}.` };
  }
  const socket = await openTcp(host, port, addresses, signal);
  // If the peer closes the connection later, the next stage fails.
  socket.on("error", () => undefined);
  findings.socket = socket;
  return { status: "ok", detail: `${socket.remoteAddress ?? host} answers on port ${port}.` };
}

async function tls(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { socket, host, options } = findings;
  if (!findings.secure || socket === undefined) {
    socket?.destroy();
    const detail = "The gateway is reached by plain http.";
    if (!isPlainRemote(options.gateway)) return { status: "skipped", detail, blockedBy: undefined };
    return warn("plain_http", detail, {
      means: "Everyone on the network can read your tokens; only SSH itself is encrypted.",
      todo: "Use the gateway's https address.",
    });
  }
  const { network, url } = findings;
  const trust = await network.tlsOptions();
  // The second try is what real connections do: with the system's authorities and, if it fails, the issuer's name.
  const secured = await startTls(socket, host, signal, { trust }).catch(() =>
    openSocket(url, signal, { network }),
  );
  secured.on("error", () => undefined);
  findings.socket = secured;
  try {
    return certificateVerdict(secured);
  } finally {
    secured.destroy();
  }
}

function certificateVerdict(socket: unknown): Verdict {
  if (!(socket instanceof TLSSocket)) return { status: "ok", detail: "The TLS handshake succeeded." };
  const certificate = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(certificate.valid_to) - Date.now()) / DAY_MS);
  const issuer = [certificate.issuer?.O ?? certificate.issuer?.CN].flat()[0] ?? "an unnamed authority";
  const detail = `${socket.getProtocol() ?? "TLS"}; certificate issued by ${issuer}, valid for ${days} more ${days === 1 ? "day" : "days"}.`;
  if (!(days < EXPIRES_SOON_DAYS)) return { status: "ok", detail };
  return warn("certificate_expires_soon", detail, {
    means: "The gateway's certificate expires soon; then nobody can connect.",
    todo: "Tell the gateway's administrator.",
  });
}

async function discovery(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  findings.discovery = await gatewayApi(findings.options.gateway, {
    signal,
    network: findings.network,
  }).discovery();
  return { status: "ok", detail: `Sallyport ${findings.discovery.version}.` };
}

async function sshPort(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const address = findings.discovery?.ssh ?? undefined;
  const wanted = findings.options.transport === "direct";
  if (address === undefined) {
    const detail = "The gateway has no SSH port: connections use the tunnel over HTTPS.";
    if (!wanted) return { status: "skipped", detail, blockedBy: undefined };
    return fail("no_ssh_port", detail, {
      means: "The transport is set to direct, which needs the gateway's SSH port.",
      todo: "Set the transport to auto or tunnel.",
    });
  }
  const probe = await probeSsh(address, { signal });
  findings.probe = probe;
  const where = `${address.host} port ${address.port}`;
  if (probe.kind === "open" || probe.how === "silent" || probe.how === "not-ssh") {
    return { status: "ok", detail: `${where} accepts connections.` };
  }
  const what = {
    refused: `${where} refuses connections.`,
    dropped: `${where} does not answer.`,
    dns: `${address.host} cannot be resolved here.`,
  }[probe.how];
  return blocked("ssh-port", `ssh_${probe.how}`, what, wanted);
}

async function sshBanner({ probe, options }: Findings): Promise<Verdict> {
  if (probe === undefined)
    return { status: "skipped", detail: "The gateway has no SSH port.", blockedBy: undefined };
  if (probe.kind === "open") {
    return { status: "ok", detail: `${probe.banner} after ${probe.ms} ms.` };
  }
  const wanted = options.transport === "direct";
  switch (probe.how) {
    case "silent":
      return blocked("ssh-banner", "ssh_silent", "The port accepts connections, but sends nothing.", wanted);
    case "not-ssh":
      return blocked("ssh-banner", "ssh_not_ssh", "The server that answers is not an SSH server.", wanted);
    default:
      return { status: "skipped", detail: "No connection was made.", blockedBy: undefined };
  }
}

function blocked(id: StageId, code: string, detail: string, wanted: boolean): Verdict {
  const { means, todo } = adviceFor(id);
  if (!wanted) return warn(code, detail, { means, todo });
  return fail(code, detail, {
    means,
    todo: "Set the transport to auto, so that the tunnel over HTTPS is used.",
  });
}

async function webSocket(findings: Findings, signal: AbortSignal): Promise<Verdict> {
  const { gateway, workspace } = findings.options;
  // The next stage reports a credential that cannot be read; this one is about the upgrade itself.
  const credential = await findings.credential().catch(() => ({ kind: "none" }) as const);
  try {
    const socket = await dialWebSocket({
      gateway,
      path: PATHS.tunnel,
      subprotocols: [SUBPROTOCOL.raw],
      token: credential.kind === "none" ? undefined : credential.token,
      headers: { [WORKSPACE_HEADER]: formatWorkspaceRef(workspace) },
      signal,
      network: findings.network,
    });
    socket.on("error", () => undefined);
    socket.terminate();
    findings.webSocket = { kind: "open" };
    return { status: "ok", detail: "The tunnel opens." };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.stage === "sign-in" || error.stage === "workspace") {
      findings.webSocket = { kind: "refused", error };
      return { status: "ok", detail: `The request reaches the gateway, which refuses it (${error.code}).` };
    }
    const verdict = explain("websocket", error, gateway);
    if (findings.transport !== "direct" || verdict.status !== "fail") return verdict;
    return {
      ...verdict,
      status: "warn",
      todo: `Connections use the SSH port, which works. For other networks: ${verdict.todo}`,
    };
  }
}
