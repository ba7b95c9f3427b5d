// `ssh -A`: a socket in the workspace whose connections reach the agent on the person's machine
// (`auth-agent@openssh.com` channels). One socket a connection, for its user alone, gone with the connection.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "../../../protocol/ssh/connection.ts";
import type { Log } from "../../log.ts";
import { listenPrivately } from "./remote-forwarding.ts";
import { splice } from "./splice.ts";

export interface AgentForwarding {
  /** The socket's path; undefined before `start` and where it failed. */
  readonly path: string | undefined;
  /** The same, and makes the socket the first time. */
  start(): string | undefined;
  close(): void;
}

/** `directory`: where the socket's own 0700 directory is made. */
export function createAgentForwarding(
  connection: Connection,
  log: Log,
  directory: string = process.env.XDG_RUNTIME_DIR ?? tmpdir(),
): AgentForwarding {
  let own: string | undefined;
  let path: string | undefined;
  let server: Server | undefined;

  function relay(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    connection.open("auth-agent@openssh.com", Buffer.alloc(0)).then(
      (channel) => {
        if (socket.destroyed) channel.destroy();
        else splice(channel, socket);
      },
      () => socket.destroy(),
    );
  }

  function remove(): void {
    server?.close();
    if (own !== undefined) rmSync(own, { recursive: true, force: true });
    server = own = path = undefined;
  }

  return {
    get path() {
      return path;
    },
    start() {
      if (path !== undefined) return path;
      try {
        // mkdtemp makes it 0700.
        own = mkdtempSync(join(directory, "ssh-"));
        path = join(own, `agent.${process.pid}`);
        server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, relay);
        listenPrivately(server, path).catch((error: unknown) => failed(error));
      } catch (error) {
        failed(error);
      }
      return path;
    },
    close: remove,
  };

  function failed(error: unknown): void {
    log.warn(`agent forwarding failed: ${error instanceof Error ? error.message : String(error)}`);
    remove();
  }
}
