// Connections that the client asks the host to make: `direct-tcpip` (ssh -L, -D, -W; RFC 4254 §7.2) and
// `direct-streamlocal@openssh.com` (OpenSSH PROTOCOL §2.4).

import { connect, type Socket } from "node:net";
import { resolve } from "node:path";
import type { ChannelRequest } from "../../../../protocol/ssh/connection.ts";
import { OPEN_FAILURE } from "../../../../protocol/ssh/message-numbers.ts";
import { type PlainPath, plainPath } from "../../../platform/files/plain-path.ts";
import type { Log } from "../../../platform/log.ts";
import { connectByName, type LookUp } from "../../../platform/network/happy-eyeballs.ts";
import type { KeyPermissions } from "../sign-in/key-grant.ts";
import { splice } from "./splice.ts";

export interface DirectForwarding {
  tcp(request: ChannelRequest): void;
  unix(request: ChannelRequest): void;
  /** Gives up connections that are still being made. */
  close(): void;
}

/** Begins to connect; returns a function that gives up. */
type Dial = (done: (socket: Socket) => void, fail: (error: Error) => void) => () => void;

/** `home`: where relative socket paths start. */
export function createDirectForwarding(
  permissions: KeyPermissions,
  home: string,
  log: Log,
  lookUp?: LookUp,
): DirectForwarding {
  const connecting = new Set<() => void>();

  function dial(request: ChannelRequest, where: string, start: Dial): void {
    let giveUp = (): void => {};
    giveUp = start(
      (socket) => {
        connecting.delete(giveUp);
        const channel = request.accept();
        if (channel === undefined) socket.destroy();
        else splice(channel, socket);
      },
      (error) => {
        connecting.delete(giveUp);
        log.info(`forwarding to ${where} failed: ${error.message}`);
        request.refuse(OPEN_FAILURE.connectFailed, error.message);
      },
    );
    connecting.add(giveUp);
  }

  function refuse(request: ChannelRequest, where: string): void {
    log.warn(`refused forwarding to ${where}`);
    request.refuse(OPEN_FAILURE.administrativelyProhibited, "forwarding is not allowed for this key");
  }

  return {
    tcp(request) {
      const host = request.data.text(255);
      const port = request.data.uint32();
      const where = `${host}:${port}`;
      if (!permissions.portForwarding || !isPermitted(permissions.permitOpen, host, port)) {
        return refuse(request, where);
      }
      if (port === 0 || port > 0xffff || host === "") {
        return request.refuse(OPEN_FAILURE.connectFailed, "not a host and port");
      }
      log.debug(`forwarding to ${where}`);
      const options = { allowHalfOpen: true, ...(lookUp === undefined ? {} : { lookUp }) };
      dial(request, where, (done, fail) => connectByName(host, port, done, fail, options));
    },
    unix(request) {
      const path = resolve(home, request.data.text(1024));
      if (!permissions.portForwarding || permissions.permitOpen !== undefined) return refuse(request, path);
      log.debug(`forwarding to ${path}`);
      dial(request, path, dialUnix(path));
    },
    close() {
      for (const giveUp of connecting) giveUp();
      connecting.clear();
    },
  };
}

function dialUnix(path: string): Dial {
  return (done, fail) => {
    let plain: PlainPath;
    try {
      plain = plainPath(path);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
      return () => {};
    }
    const socket = connect({ path: plain.path, allowHalfOpen: true });
    socket.once("close", plain.release);
    socket.once("error", fail);
    socket.once("connect", () => {
      plain.release();
      socket.off("error", fail);
      done(socket);
    });
    return () => socket.destroy();
  };
}

/** `permitopen` compares names as written, without looking them up (sshd(8)). */
function isPermitted(permitted: readonly string[] | undefined, host: string, port: number): boolean {
  if (permitted === undefined) return true;
  return permitted.some((entry) => {
    const colon = entry.lastIndexOf(":");
    const entryHost = entry.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    const entryPort = entry.slice(colon + 1);
    return (entryHost === "*" || entryHost === host) && (entryPort === "*" || Number(entryPort) === port);
  });
}
