// A host's link to a gateway, in the test's own process, with an echo instead of the SSH server.

import type { Duplex } from "node:stream";
import { loadIdentity } from "../../agent/host/identity.ts";
import type { LinkOptions } from "../../agent/host/link/control-connection.ts";
import { holdLink } from "../../agent/host/link/link.ts";
import { createLog } from "../../agent/platform/log.ts";
import type { Network } from "../../agent/platform/network/network.ts";
import type { PushedKey } from "../../protocol/control.ts";
import { PROCESS_BYTES } from "../../protocol/resume/limits.ts";
import { ByteBudget } from "../../protocol/resume/outgoing.ts";
import { Responder } from "../../protocol/resume/responder.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseWorkspaceId, type WorkspaceId } from "../../protocol/values/id.ts";
import { parseName } from "../../protocol/values/name.ts";
import { prepareHostState } from "./host-state.ts";

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

export interface TestHostRequest {
  readonly gateway: GatewayUrl;
  readonly network?: Network | undefined;
  readonly token?: string | undefined;
  readonly name?: string | undefined;
  /** The same directory: the same identity. */
  readonly state: string;
  /** Missing: what comes goes back. */
  readonly onStream?: LinkOptions["onStream"] | undefined;
  readonly browserUrl?: LinkOptions["browserUrl"];
  readonly folder?: LinkOptions["folder"];
  /** Gets the way to end it at once, whether it ever registers or not. */
  readonly owner: (stop: () => Promise<void>) => void;
}

/** Waits until it has registered, or fails with what it says. */
export async function startTestHost(request: TestHostRequest): Promise<TestHost> {
  await prepareHostState(request.state);
  const identity = await loadIdentity(request.state);
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
        gateway: request.gateway,
        network: request.network,
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
            .remember(request.gateway, request.name ?? "dev", parseWorkspaceId(id))
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
  const end = async (): Promise<void> => {
    stop.abort(new Error("stopped by the test"));
    await ended;
  };
  request.owner(end);
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
