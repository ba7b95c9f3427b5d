// Opens a connection through a proxy: connects to the proxy, with TLS where its scheme is https, then speaks its protocol.

import type { Socket } from "node:net";
import { CommandError } from "../../command-error.ts";
import type { Endpoint, ProxyRoute } from "../route.ts";
import type { StageRunner } from "../stage-run.ts";
import { httpConnect } from "./http-connect.ts";
import { proxyLabel } from "./proxy-address.ts";

export interface Openers {
  /** A direct connection to a host, which is the proxy here. */
  open(host: string, port: number): Promise<Socket>;
  secure(socket: Socket, host: string): Promise<Socket>;
  readonly runStage: StageRunner;
}

/** @throws CommandError stage `proxy`; the signal's reason */
export async function openThroughProxy(
  route: ProxyRoute,
  { host, port }: Endpoint,
  openers: Openers,
): Promise<Socket> {
  const { address } = route;
  const socket = await reachProxy(route, openers);
  if (address.scheme === "http" || address.scheme === "https") {
    return await httpConnect(socket, address, host, port, openers.runStage);
  }
  const { socksConnect } = await import("./socks-connect.ts");
  return await socksConnect(socket, address, host, port, openers.runStage);
}

async function reachProxy(route: ProxyRoute, { open, secure }: Openers): Promise<Socket> {
  const { scheme, host, port } = route.address;
  try {
    const socket = await open(host, port);
    return scheme === "https" ? await secure(socket, host) : socket;
  } catch (error) {
    throw unreachable(error, route);
  }
}

function unreachable(error: unknown, { address, from }: ProxyRoute): unknown {
  if (!(error instanceof CommandError)) return error;
  // The message of the stage is about gateways: its advice does not fit a proxy.
  const words = error.message.replace(
    /: is the gateway running, and is the port right\?|: tell the gateway's administrator/,
    "",
  );
  const message = `The proxy ${proxyLabel(address)} (from ${from}) cannot be reached: ${words}.`;
  return new CommandError("proxy", error.code, message, { cause: error });
}
