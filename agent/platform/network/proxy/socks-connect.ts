// Asks a SOCKS proxy (SOCKS4a; SOCKS5, RFC 1928 and 1929) to connect to a host. The library is loaded only here.

import type { Socket } from "node:net";
import { CommandError } from "../../command-error.ts";
import type { StageRunner } from "../stage-run.ts";
import { type ProxyAddress, proxyLabel } from "./proxy-address.ts";

/** Later than the stage's deadline, which is the one that counts. */
const LIBRARY_TIMEOUT_MS = 60_000;

/**
 * Resolves once the proxy forwards bytes. The proxy looks the name up.
 * @throws CommandError stage `proxy`: `proxy_auth_required`, `proxy_auth_refused`, `proxy_refused`, `not_a_proxy`
 */
export async function socksConnect(
  socket: Socket,
  proxy: ProxyAddress,
  host: string,
  port: number,
  runStage: StageRunner,
): Promise<Socket> {
  const { SocksClient } = await import("socks");
  const what = `asking the proxy ${proxyLabel(proxy)} for ${host} port ${port}`;
  return await runStage(what, (done, fail) => {
    const { credentials } = proxy;
    const client = new SocksClient({
      command: "connect",
      existing_socket: socket,
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: proxy.scheme === "socks4" ? 4 : 5,
        ...(credentials === undefined ? {} : { userId: credentials.user, password: credentials.password }),
      },
      destination: { host, port },
      timeout: LIBRARY_TIMEOUT_MS,
    });
    client.on("established", () => done(socket));
    client.on("error", (error: Error) => fail(refusal(error, proxy, host, port)));
    client.connect(socket);
    return () => {
      socket.on("error", () => undefined);
      socket.destroy();
    };
  });
}

/** Told from the library's message; its error object holds the password and is not passed on. */
function refusal({ message }: Error, proxy: ProxyAddress, host: string, port: number): CommandError {
  const label = proxyLabel(proxy);
  if (/authentication/i.test(message)) {
    return proxy.credentials === undefined
      ? new CommandError(
          "proxy",
          "proxy_auth_required",
          `The proxy ${label} wants a user name and password: set SALLYPORT_PROXY=${proxy.scheme}://USER:PASSWORD@…, or set SALLYPORT_PROXY_FILE to a file that contains this URL.`,
        )
      : new CommandError(
          "proxy",
          "proxy_auth_refused",
          `The proxy ${label} does not accept the user name and password that it was given.`,
        );
  }
  const rejected = /rejected connection - \(?(\w+)\)?$/.exec(message)?.[1];
  if (rejected === undefined) {
    return new CommandError(
      "proxy",
      "not_a_proxy",
      `What answers at ${label} is not a SOCKS proxy, or hung up: check its address and scheme.`,
      { cause: new Error(message) },
    );
  }
  const why =
    rejected === "NotAllowed"
      ? "does not allow that: ask its administrator"
      : "cannot reach it: check the gateway's URL, and whether this proxy is the right one";
  return new CommandError(
    "proxy",
    "proxy_refused",
    `The proxy ${label} was asked for ${host} port ${port} and ${why} (${rejected}).`,
    { cause: new Error(message) },
  );
}
