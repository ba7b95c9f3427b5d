// A gateway that speaks the API and sends whatever the test wants: an honest gateway's answers with any field
// replaced.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
const TIME = "2026-01-01T00:00:00.000Z";

export class HostileGateway {
  readonly #server: Server;
  readonly url: string;
  /** Its answers by path. `status` in an answer sets a status other than 200. */
  readonly answers: Map<string, unknown>;

  static async start(): Promise<HostileGateway> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return new HostileGateway(server, `http://127.0.0.1:${port}`);
  }

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
    this.answers = new Map<string, unknown>([
      ["/.well-known/sallyport", this.discovery()],
      ["/api/v1/me", this.me()],
      ["/api/v1/workspaces", [this.workspace()]],
    ]);
    server.on("request", (request, response) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      const answer = this.answers.get(path);
      const refusal = answer instanceof Refusal ? answer : undefined;
      response.writeHead(answer === undefined ? 404 : (refusal?.status ?? 200), {
        "content-type": "application/json",
        connection: "close",
      });
      response.end(
        JSON.stringify(refusal?.body ?? answer ?? { code: "not_found", message: "Nothing here." }),
      );
    });
  }

  discovery(change: Record<string, unknown> = {}) {
    return {
      product: "sallyport",
      version: "0.1.0",
      apiVersions: [1],
      publicUrl: this.url,
      tunnelUrl: `${this.url.replace("http", "ws")}/tunnel`,
      ssh: { host: "127.0.0.1", port: 2222 },
      hostKeys: [KEY],
      subprotocols: [],
      openRegistration: false,
      capabilities: ["ssh"],
      ...change,
    };
  }

  me(name = "ada") {
    const account = {
      id: `acc_${"a".repeat(26)}`,
      name,
      admin: false,
      disabled: false,
      createdAt: TIME,
    };
    const token = {
      id: `tok_${"a".repeat(26)}`,
      title: "t",
      scopes: ["connect"],
      createdAt: TIME,
      expiresAt: null,
      lastUsedAt: null,
    };
    return { account, token };
  }

  workspace(change: Record<string, unknown> = {}) {
    return {
      id: `ws_${"a".repeat(26)}`,
      name: "dev",
      owner: "ada",
      mine: true,
      online: true,
      clients: 0,
      endToEndOnly: false,
      hostKeys: [KEY],
      createdAt: TIME,
      lastSeenAt: null,
      ...change,
    };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

export class Refusal {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}
