// `ssh -A`: a socket in the workspace whose connections reach the ssh-agent on the person's machine
// (`auth-agent@openssh.com` channels). There is one socket per connection. Only its user can reach it, and it is removed
// with the connection.

import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Connection } from "../../../../protocol/ssh/connection.ts";
import type { Log } from "../../../platform/log.ts";
import { splice } from "./splice.ts";

export interface AgentForwarding {
  /** The socket's path; undefined before `start` and where it failed. */
  readonly path: string | undefined;
  /** Makes the socket on the first call. Returns its path; undefined: that failed. */
  start(): string | undefined;
  close(): void;
}

interface AgentSocket {
  /** The socket's own. */
  readonly directory: string;
  readonly path: string;
  readonly server: Server;
}

/**
 * Where the socket's own 0700 directory may be made, best first. A host may outlive the directories of its login: the
 * runtime directory is removed when the person's last login ends, and TMPDIR may be cleaned up.
 */
export function socketDirectories(environment: Readonly<Record<string, string | undefined>>): string[] {
  const given = [environment.XDG_RUNTIME_DIR, environment.TMPDIR, tmpdir(), "/tmp"];
  return given.filter((path): path is string => path !== undefined && isAbsolute(path));
}

export function createAgentForwarding(
  connection: Connection,
  directories: readonly string[],
  log: Log,
): AgentForwarding {
  let isWanted = false;
  let made: AgentSocket | undefined;

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
    const old = made;
    made = undefined;
    if (old === undefined) return;
    old.server.close();
    try {
      rmSync(old.directory, { recursive: true, force: true });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.debug(`${old.directory} could not be removed: ${why}`);
    }
  }

  function failed(error: unknown): void {
    log.warn(`agent forwarding failed: ${error instanceof Error ? error.message : String(error)}`);
    remove();
  }

  function make(): void {
    try {
      const directory = privateDirectory(directories);
      const path = join(directory, `agent.${process.pid}`);
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, relay);
      made = { directory, path, server };
      server.on("error", failed);
      server.listen({ path });
      // Until here the directory's mode has kept others out.
      chmodSync(path, 0o600);
    } catch (error) {
      failed(error);
    }
  }

  /** The socket's path. The socket is made again if somebody has removed it. */
  function current(): string | undefined {
    if (made !== undefined && !existsSync(made.path)) remove();
    if (made === undefined) make();
    return made?.path;
  }

  return {
    get path() {
      return isWanted ? current() : undefined;
    },
    start() {
      isWanted = true;
      return current();
    },
    close() {
      isWanted = false;
      remove();
    },
  };
}

/** mkdtemp makes it 0700. @throws Error if none can be made anywhere */
function privateDirectory(parents: readonly string[]): string {
  const failures: unknown[] = [];
  for (const parent of parents) {
    try {
      return mkdtempSync(join(parent, "ssh-"));
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}
