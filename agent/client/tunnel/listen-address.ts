// The address of `sallyport tunnel --listen`: a port, which every user of this machine can connect to, or a Unix socket, which
// only its owner can.

import { isIPv6, type Server } from "node:net";
import { resolve } from "node:path";
import { UsageError } from "../../../protocol/command/command.ts";
import { CommandError } from "../../platform/command-error.ts";
import { systemCode } from "../../platform/files/private-file.ts";
import {
  type Listener,
  listen,
  listenPrivately,
  removeStaleSocket,
} from "../../platform/files/private-socket.ts";

export type ListenAddress =
  | { readonly kind: "port"; readonly host: string; readonly port: number }
  | { readonly kind: "socket"; readonly path: string };

/**
 * Accepts `HOST:PORT`, `[::1]:PORT`, `PORT`, or a path that contains a slash.
 * @throws UsageError for anything else, and for an address that other machines can reach
 */
export function parseListenAddress(text: string, platform: NodeJS.Platform): ListenAddress {
  if (text.includes("/")) {
    if (platform === "win32") throw new UsageError("--listen takes a port on Windows, not a path");
    return { kind: "socket", path: resolve(text) };
  }
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]+):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw new UsageError(`--listen takes HOST:PORT or a path such as ./ws.sock, not ${JSON.stringify(text)}`);
  const host = (match[1] ?? "127.0.0.1").replace(/^\[|\]$/g, "");
  if (host !== "localhost" && host !== "::1" && !/^127(\.\d{1,3}){3}$/.test(host)) {
    throw new UsageError(
      "--listen takes a loopback address (127.0.0.1, ::1, localhost): the port is for this machine only",
    );
  }
  return { kind: "port", host, port };
}

export interface Bound extends Listener {
  /** The address to give to a client. */
  readonly shown: string;
}

/** @throws CommandError stage `tcp` or `file` */
export async function bind(server: Server, address: ListenAddress): Promise<Bound> {
  if (address.kind === "socket") {
    const { path } = address;
    try {
      await removeStaleSocket(path);
      const { close } = await listenPrivately(server, path);
      return { shown: path, close };
    } catch (cause) {
      throw failure("file", path, cause);
    }
  }
  const { host, port } = address;
  try {
    await listen(server, { host, port });
  } catch (cause) {
    throw failure("tcp", `${host} port ${port}`, cause);
  }
  const bound = server.address();
  const actual = typeof bound === "object" && bound !== null ? bound.port : port;
  return { shown: `${isIPv6(host) ? `[${host}]` : host}:${actual}`, close: () => server.close() };
}

function failure(stage: "tcp" | "file", where: string, cause: unknown): CommandError {
  const code = systemCode(cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(
    stage,
    code,
    `cannot listen on ${where}: ${stage === "tcp" && code === "EADDRINUSE" ? "it is in use" : why}`,
    { cause },
  );
}
