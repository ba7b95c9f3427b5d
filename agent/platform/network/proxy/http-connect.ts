// Asks an HTTP proxy for a tunnel (CONNECT, RFC 9110 §9.3.6) on a connection to it.

import type { Socket } from "node:net";
import { VERSION } from "../../../../protocol/version.ts";
import { CommandError } from "../../command-error.ts";
import { foreignAnswer } from "../foreign-answer.ts";
import type { StageRunner } from "../stage-run.ts";
import { type ProxyAddress, proxyLabel } from "./proxy-address.ts";

/** The limit of the answer's status line and headers. */
const MAX_HEAD_BYTES = 16 * 1024;

/**
 * Resolves once the proxy forwards bytes; `socket` then works like a connection to `host` itself.
 * @throws CommandError stage `proxy`: `proxy_auth_required`, `proxy_auth_refused`, `captive_portal`, or `HTTP_` and the status
 */
export function httpConnect(
  socket: Socket,
  proxy: ProxyAddress,
  host: string,
  port: number,
  runStage: StageRunner,
): Promise<Socket> {
  const what = `asking the proxy ${proxyLabel(proxy)} for ${host} port ${port}`;
  return runStage(what, (done, fail) => {
    let head = Buffer.alloc(0);
    const stop = (): void => {
      socket.off("readable", read);
      socket.off("end", onEnd);
      socket.off("error", fail);
    };
    const end = (error: Error): void => {
      stop();
      fail(error);
    };
    const onEnd = (): void => {
      const error: NodeJS.ErrnoException = new Error("the proxy hung up");
      error.code = "ECONNRESET";
      end(error);
    };
    // Not "data": removing its listener would leave the socket paused, and the next reader would wait for ever.
    const read = (): void => {
      let border = -1;
      while (border === -1) {
        const chunk: unknown = socket.read();
        if (!Buffer.isBuffer(chunk)) return;
        head = Buffer.concat([head, chunk]);
        border = head.indexOf("\r\n\r\n");
        if (border === -1 && head.length > MAX_HEAD_BYTES) {
          end(notAProxy(proxy));
          return;
        }
      }
      const answer = parseHead(head.subarray(0, border).toString("latin1"));
      if (answer === undefined) end(notAProxy(proxy));
      else if (answer.status < 200 || answer.status > 299) end(refusal(answer, proxy, host, port));
      else {
        stop();
        const rest = head.subarray(border + 4);
        if (rest.length > 0) socket.unshift(rest);
        done(socket);
      }
    };
    socket.on("readable", read);
    socket.on("end", onEnd);
    socket.on("error", fail);
    socket.write(connectRequest(proxy, host, port));
    return () => {
      stop();
      socket.on("error", () => undefined);
      socket.destroy();
    };
  });
}

/** @param host without brackets */
export function connectRequest(proxy: ProxyAddress, host: string, port: number): string {
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const authorization = proxy.authorization ?? basic(proxy);
  const lines = [
    `CONNECT ${target} HTTP/1.1`,
    `Host: ${target}`,
    `User-Agent: sallyport/${VERSION}`,
    "Proxy-Connection: keep-alive",
    ...(authorization === undefined ? [] : [`Proxy-Authorization: ${authorization}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** RFC 7617, in UTF-8. Sent without being asked: this side knows no better scheme. */
function basic({ credentials }: ProxyAddress): string | undefined {
  if (credentials === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

export function parseHead(text: string): Head | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return { status: Number(status), headers };
}

function refusal({ status, headers }: Head, proxy: ProxyAddress, host: string, port: number): CommandError {
  const label = proxyLabel(proxy);
  if (status === 407) return signInRefused(proxy, headers.get("proxy-authenticate") ?? []);
  const foreign = foreignAnswer(
    { status, location: headers.get("location")?.[0], contentType: undefined },
    new URL(`http://${host.includes(":") ? `[${host}]` : host}`),
  );
  if (foreign !== undefined) return foreign;
  const unreachable = `cannot reach ${host} port ${port}: check the gateway's URL`;
  const sentences: Readonly<Record<number, string>> = {
    403: `does not allow connections to ${host} port ${port}: ask its administrator to allow them`,
    405: "does not allow CONNECT: is it a proxy for https?",
    500: unreachable,
    502: unreachable,
    503: unreachable,
    504: `got no answer from ${host} port ${port}`,
  };
  const why = sentences[status] ?? `refused the connection to ${host} port ${port}`;
  return new CommandError("proxy", `HTTP_${status}`, `The proxy ${label} ${why} (HTTP ${status}).`);
}

function signInRefused(proxy: ProxyAddress, challenges: readonly string[]): CommandError {
  const label = proxyLabel(proxy);
  const schemes = [...new Set(challenges.map((one) => /^[A-Za-z0-9-]{1,32}/.exec(one)?.[0] ?? ""))].filter(
    Boolean,
  );
  const sent = proxy.credentials !== undefined || proxy.authorization !== undefined;
  if (
    schemes.length > 0 &&
    !schemes.some((one) => one.toLowerCase() === "basic") &&
    proxy.authorization === undefined
  ) {
    return new CommandError(
      "proxy",
      "proxy_auth_unsupported",
      `The proxy ${label} wants a sign-in by ${schemes.join(" or ")}, but Sallyport knows only Basic: use a local proxy that signs in for you, such as cntlm or px.`,
    );
  }
  if (sent) {
    return new CommandError(
      "proxy",
      "proxy_auth_refused",
      `The proxy ${label} does not accept the user name and password that it was given.`,
    );
  }
  return new CommandError(
    "proxy",
    "proxy_auth_required",
    `The proxy ${label} wants a user name and password: set SALLYPORT_PROXY=http://USER:PASSWORD@…, or set SALLYPORT_PROXY_FILE to a file that contains this URL.`,
  );
}

function notAProxy(proxy: ProxyAddress): CommandError {
  return new CommandError(
    "proxy",
    "not_a_proxy",
    `What answers at ${proxyLabel(proxy)} is not an HTTP proxy: check its address and scheme.`,
  );
}
