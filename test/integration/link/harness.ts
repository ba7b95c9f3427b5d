// A real gateway in this process, with accounts, hosts that echo in the place of an SSH server, and companions: all of
// the wire, without SSH on top of it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { dialTunnel } from "../../../agent/companion/tunnel.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { holdLink, type LinkOptions } from "../../../agent/host/link.ts";
import { createLog } from "../../../agent/log.ts";
import type { Network } from "../../../agent/network/network.ts";
import { type RunningGateway, startGateway } from "../../../gateway/gateway.ts";
import { type GatewayOptions, parseGatewayOptions } from "../../../gateway/options.ts";
import type { Scope } from "../../../protocol/api.ts";
import type { PushedKey } from "../../../protocol/control.ts";
import { type GatewayUrl, parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/gateway-url.ts";
import { type AccountId, parseWorkspaceId, type WorkspaceId } from "../../../protocol/id.ts";
import { parseName, parseWorkspaceRef } from "../../../protocol/name.ts";
import { PROCESS_BYTES } from "../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../protocol/resume/responder.ts";

export interface TestHost {
  readonly id: WorkspaceId;
  readonly name: string;
  /** The keys that the gateway pushed, newest last. */
  readonly keys: PushedKey[][];
  /** The gateway's own, of each registration. */
  readonly gatewayKeys: (readonly string[])[];
  /** Settles when the host gives up: with why, or undefined after `stop`. */
  readonly ended: Promise<unknown>;
  readonly streams: Duplex[];
  readonly logged: string[];
  /** How often it has registered. */
  registrations(): number;
  stop(): Promise<void>;
}

export interface HostRequest {
  readonly token?: string | undefined;
  readonly name?: string;
  /** The same directory: the same identity. */
  readonly state?: string;
  readonly onStream?: LinkOptions["onStream"];
  readonly browserUrl?: LinkOptions["browserUrl"];
  readonly folder?: LinkOptions["folder"];
  readonly way?: Way;
}

/** How the gateway is reached, where not directly at its own address. */
export interface Way {
  readonly gateway?: GatewayUrl;
  readonly network?: Network;
}

export class TestStack {
  readonly gateway: RunningGateway;
  readonly url: GatewayUrl;
  readonly directory: string;
  readonly log: string[];
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #sockets: WebSocket[] = [];
  #made = 0;

  static async start(extra: readonly string[] = []): Promise<TestStack> {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-link-"));
    const options: GatewayOptions = parseGatewayOptions(
      ["--http", "127.0.0.1:0", "--data", join(directory, "gateway"), "--log-level", "debug", ...extra],
      {},
    ).options;
    const log: string[] = [];
    return new TestStack(await startGateway(options, (line) => log.push(line)), directory, log);
  }

  private constructor(gateway: RunningGateway, directory: string, log: string[]) {
    this.gateway = gateway;
    this.directory = directory;
    this.log = log;
    this.url = parseGatewayUrl(gateway.httpUrl);
  }

  async account(name: string): Promise<AccountId> {
    return (await this.gateway.store.accounts.create(parseName(name), false, null)).id;
  }

  async token(accountId: AccountId, scopes: readonly Scope[], expiresInSeconds: number | null = null) {
    const wanted = { accountId, title: "test", scopes, expiresInSeconds };
    return await this.gateway.store.tokens.create(wanted, { account: "test" });
  }

  /** Starts a host and waits until it has registered, or fails with what it says. */
  async host(request: HostRequest): Promise<TestHost> {
    const state = request.state ?? join(this.directory, `host-${this.#made++}`);
    const identity = await loadIdentity(state);
    const stop = new AbortController();
    const keys: PushedKey[][] = [];
    const gatewayKeys: (readonly string[])[] = [];
    const streams: Duplex[] = [];
    const logged: string[] = [];
    let registrations = 0;
    let ended: Promise<unknown> = Promise.resolve();
    const registered = new Promise<{ id: string; name: string }>((resolve, reject) => {
      ended = holdLink(
        {
          gateway: request.way?.gateway ?? this.url,
          network: request.way?.network,
          token: () => Promise.resolve(request.token),
          identity,
          name: parseName(request.name ?? "dev"),
          endToEndOnly: false,
          ownerTokens: true,
          browserUrl: request.browserUrl,
          folder: request.folder,
          agent: "test",
          log: createLog({ level: "debug", write: (line) => logged.push(line) }),
          onRegistered(message) {
            registrations++;
            const { id } = message.workspace;
            identity
              .remember(this_.url, request.name ?? "dev", parseWorkspaceId(id))
              .then(() => resolve(message.workspace), reject);
          },
          onGatewayKeys: (shown) => gatewayKeys.push(shown),
          onKeys: (pushed) => keys.push(pushed),
          responder: new Responder({ budget: new ByteBudget(PROCESS_BYTES) }),
          onStream(stream, open) {
            streams.push(stream);
            stream.on("error", () => undefined);
            if (request.onStream === undefined) stream.pipe(stream);
            else request.onStream(stream, open);
          },
        },
        stop.signal,
      ).catch((error: unknown) => {
        reject(error);
        return error;
      });
    });
    const this_ = this;
    const end = async (): Promise<void> => {
      stop.abort(new Error("stopped by the test"));
      await ended;
    };
    this.#stops.push(end);
    const { id, name } = await registered;
    return {
      id: parseWorkspaceId(id),
      name,
      keys,
      gatewayKeys,
      ended,
      streams,
      logged,
      registrations: () => registrations,
      stop: end,
    };
  }

  /** A tunnel as the companion dials it. */
  async tunnel(workspace: string, token: string | undefined, way: Way = {}): Promise<WebSocket> {
    const { gateway = this.url, network } = way;
    const target = { gateway, workspace: parseWorkspaceRef(workspace), token, network };
    const socket = await dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(20_000));
    this.#sockets.push(socket);
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await Promise.all(this.#stops.map((stop) => stop()));
    await this.gateway.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Sends `text` through a tunnel to an echoing host and gives back what returns. */
export async function echo(socket: WebSocket, text: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let received = "";
    const onMessage = (data: unknown): void => {
      received += String(data);
      if (received.length < text.length) return;
      socket.off("message", onMessage);
      resolve(received);
    };
    socket.on("message", onMessage);
    socket.once("close", (code) => reject(new Error(`closed with ${code}`)));
    socket.resume();
    socket.send(Buffer.from(text), { binary: true });
  });
}
