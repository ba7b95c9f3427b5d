// Where `sallyport tunnel --listen` takes connections: a port of this machine, which every user of it can connect to, or a
// socket in the file system, which is for its owner alone.

import { lstatSync, rmSync } from "node:fs";
import { connect, isIPv6, type Server } from "node:net";
import { resolve } from "node:path";
import { CommandError, UsageError } from "../command.ts";
import { systemCode } from "../files/private-file.ts";

export type ListenAddress =
  | { readonly kind: "port"; readonly host: string; readonly port: number }
  | { readonly kind: "socket"; readonly path: string };

/**
 * `HOST:PORT`, `[::1]:PORT`, `PORT`, or a path with a slash in it.
 * @throws UsageError where it is none of these, or not this machine alone
 */
export function parseListenAddress(text: string, platform: NodeJS.Platform): ListenAddress {
  if (text.includes("/")) {
    if (platform === "win32") throw new UsageError("--listen takes a port on Windows, and no path");
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

/** Returns the address as a client needs it. @throws CommandError stage `tcp` or `file` */
export async function bind(server: Server, address: ListenAddress): Promise<string> {
  if (address.kind === "socket") {
    await removeDeadSocket(address.path);
    await listening(server, address.path, "file", () => listenPrivately(server, address.path));
    return address.path;
  }
  const { host } = address;
  await listening(server, `${host} port ${address.port}`, "tcp", () => server.listen(address.port, host));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/**
 * 0600 from the first moment on, as ssh makes its own sockets: a chmod would come after somebody's connection. The socket is bound
 * before `listen` returns, and this process makes no other file meanwhile.
 */
function listenPrivately(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
}

function listening(server: Server, where: string, stage: "tcp" | "file", start: () => void): Promise<void> {
  return new Promise((done, fail) => {
    server.once("listening", done);
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "it is in use" : cause.message;
      const code = cause.code ?? "EFAILED";
      fail(new CommandError(stage, code, `cannot listen on ${where}: ${why}`, { cause }));
    });
    start();
  });
}

/** What an earlier run left that could not tidy up. Anything else in its place is left alone, and in the way. */
async function removeDeadSocket(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket()) return;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw new CommandError("file", systemCode(error), `cannot listen on ${path}: ${systemCode(error)}`, {
      cause: error,
    });
  }
  const isDead = await new Promise<boolean>((answer) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      answer(false);
    });
    probe.once("error", (error) => answer(systemCode(error) === "ECONNREFUSED"));
  });
  if (isDead) rmSync(path, { force: true });
}
