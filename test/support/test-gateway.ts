// A gateway in this process on a temporary data directory and a free port, with a small client for its API and its
// log kept to look into.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Registration } from "../../gateway/directory.ts";
import { type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import type { GatewayOptions } from "../../gateway/program/options.ts";
import { openDatabase } from "../../gateway/store/database/sqlite.ts";
import type { Scope } from "../../protocol/api.ts";
import { parseName } from "../../protocol/values/name.ts";
import { prepareGatewayData } from "./host-state.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // What the gateway sent is looked at field by field, and compared.
  // biome-ignore lint/suspicious/noExplicitAny: a test's expectations are the schema
  readonly body: any;
}

export type TestGateway = Awaited<ReturnType<typeof testGateway>>;

export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-gateway-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function testGateway(overrides: Partial<GatewayOptions> = {}) {
  const logLines: string[] = [];
  const dataDir = overrides.dataDir ?? temporaryDirectory();
  if (overrides.dataDir === undefined) await prepareGatewayData(dataDir);
  const gateway: RunningGateway = await startGateway(
    {
      http: { host: "127.0.0.1", port: 0 },
      ssh: null,
      publicSsh: null,
      trustedProxies: [],
      userCa: null,
      sshIdleTimeout: null,
      sshMaxSession: null,
      dataDir,
      downloads: null,
      publicUrl: null,
      tls: null,
      acme: null,
      identity: { file: null, provider: null },
      trustProxy: [],
      open: false,
      firstToken: true,
      dashboard: true,
      deviceCodes: true,
      hostKeysAllowed: null,
      metrics: null,
      logLevel: "debug",
      maxStreams: 100,
      workers: 1,
      settings: [],
      keySources: [],
      ...overrides,
    },
    (line) => logLines.push(line),
  );
  onTestFinished(() => gateway.close());

  const send = (method: string, path: string, token: string | undefined, init: RequestInit = {}) =>
    fetch(`${gateway.httpUrl}${path}`, {
      ...init,
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...Object.fromEntries(new Headers(init.headers)),
      },
    });

  const raw = async (method: string, path: string, token?: string, init?: RequestInit): Promise<Answer> => {
    const response = await send(method, path, token, init);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : JSON.parse(text),
    };
  };

  /** A call below /api/v1. */
  const call = (method: string, path: string, token?: string, body?: unknown): Promise<Answer> =>
    raw(
      method,
      `/api/v1${path}`,
      token,
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } },
    );

  const admin = gateway.adminToken ?? "";
  const everything: readonly Scope[] = ["account", "connect", "host"];

  return {
    gateway,
    dataDir,
    /** Works on the gateway's database itself, by a connection of its own. */
    database: async <T>(work: (db: ReturnType<typeof openDatabase>) => Promise<T>): Promise<T> => {
      const db = openDatabase(dataDir);
      try {
        return await work(db);
      } finally {
        await db.destroy();
      }
    },
    logLines,
    admin,
    send,
    raw,
    call,
    /** Makes an account by the API. */
    account: async (name: string, scopes: readonly Scope[] = everything) => {
      const account = await call("POST", "/accounts", admin, { name });
      const token = await call("POST", `/accounts/${account.body.id}/tokens`, admin, {
        title: "first",
        scopes,
      });
      return {
        id: String(account.body.id),
        name,
        token: String(token.body.token),
        tokenId: token.body.info.id,
      };
    },
    /** Registers a workspace as a host would, without one. */
    workspace: async (token: string, name: string, more: Partial<Registration> = {}) => {
      const identity = await gateway.store.authenticate(token);
      return gateway.store.register({
        identity,
        address: "127.0.0.1",
        name: parseName(name),
        existing: null,
        hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+"],
        endToEndOnly: false,
        ownerTokens: true,
        browserUrl: null,
        folder: null,
        ...more,
      });
    },
  };
}
