// A real gateway in this process, with accounts, hosts that echo instead of running an SSH server, and companions: all
// of the wire, without SSH on top of it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WebSocket } from "ws";
import { dialTunnel } from "../../agent/client/tunnel/tunnel.ts";
import type { LinkOptions } from "../../agent/host/link/control-connection.ts";
import type { Network } from "../../agent/platform/network/network.ts";
import { type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import type { GatewayOptions } from "../../gateway/program/options.ts";
import type { NewAccessToken } from "../../gateway/store/tokens/access-tokens.ts";
import type { Scope } from "../../protocol/api.ts";
import { type GatewayUrl, parseGatewayUrl, SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import type { AccountId } from "../../protocol/values/id.ts";
import { parseName, parseWorkspaceRef } from "../../protocol/values/name.ts";
import { parseGatewayOptions } from "./gateway-options.ts";
import { prepareGatewayData } from "./host-state.ts";
import { startTestHost, type TestHost } from "./test-host.ts";

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
    await prepareGatewayData(options.dataDir);
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

  async token(
    accountId: AccountId,
    scopes: readonly Scope[],
    expiresInSeconds: number | null = null,
    more: Partial<NewAccessToken> = {},
  ) {
    const wanted = { accountId, title: "test", scopes, expiresInSeconds, ...more };
    return await this.gateway.store.tokens.create(wanted, { account: "test" });
  }

  /** Starts a host and waits until it has registered, or fails with what it says. */
  async host({ way, state, ...request }: HostRequest): Promise<TestHost> {
    return await startTestHost({
      ...request,
      gateway: way?.gateway ?? this.url,
      network: way?.network,
      state: state ?? join(this.directory, `host-${this.#made++}`),
      owner: (stop) => this.#stops.push(stop),
    });
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
