// What is compared: each subject leads from a local address to the target, by its own client and server. A new one is a
// file that makes a Subject, and an entry in all.ts.

import { connect } from "node:net";
import { findProgram as find } from "../../support/programs/find-program.ts";
import type { Certificate } from "../certificate.ts";
import type { Connection } from "../load/traffic.ts";
import { PEERS_BIN } from "../peers.ts";
import type { CommandLine } from "../running-process.ts";

export interface Subject {
  /** Unique; the row of the table. */
  readonly name: string;
  /** What it is, for the list of versions. */
  readonly program: string;
  /** What carries the bytes between its two sides. */
  readonly transport: "tcp" | "ws" | "wss" | "ssh";
  /** Why it cannot be measured here. */
  missing(): string | undefined;
  version(): string;
  start(place: Place): Promise<Running>;
  /** A client that connects to this port of loopback as soon as it can, for its start-up time. */
  dial?(port: number, place: Place): { readonly command: CommandLine; readonly env?: NodeJS.ProcessEnv };
  /** One connection is one process: a thousand of them would measure its start-up, which has a part of its own. */
  readonly processPerConnection?: true;
}

export interface Place {
  /** Exists; the subject's own. */
  readonly directory: string;
  /** Port of the target on 127.0.0.1. */
  readonly target: number;
  /** Address that servers listen on. */
  readonly listen: string;
  /** Address at which the client's side reaches the server: the same machine, or the far end of a long line. */
  readonly reach: string;
  readonly certificate: Certificate;
}

export interface Running {
  /** A connection to the target. */
  connect(): Promise<Connection>;
  /** All of the subject's own processes; what runs below them counts too. */
  pids(): number[];
  /** The processes that stand where Sallyport's gateway does. */
  serverPids(): number[];
  /** How one process can be many of Sallyport's hosts and companions at its gateway. */
  readonly idleLoad?: { readonly gateway: string; readonly tokenFile: string };
  stop(): Promise<void>;
}

/** On PATH, or where `npm run bench:peers` installs. */
export function findProgram(name: string): string | undefined {
  return find(name, [PEERS_BIN, "/usr/sbin"]);
}

export function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** For subjects that listen on a local port. */
export function connectTo(port: number, host = "127.0.0.1"): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", () => undefined); // "close" follows, and fails the waiting promise.
      resolve({
        input: socket,
        output: socket,
        close: () => {
          socket.destroy();
        },
      });
    });
  });
}
