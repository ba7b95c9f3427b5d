// Dials a WebSocket of a gateway. If the gateway refuses the upgrade, the error carries its own code and words.

import type { WebSocket } from "ws";
import { webSocketUrl } from "../../../protocol/values/gateway-url.ts";
import type { Network } from "./network.ts";
import { openSocket } from "./open-socket.ts";
import type { UpgradeRequest } from "./upgrade.ts";

export interface DialRequest extends UpgradeRequest {
  /** One of PATHS. */
  readonly path: string;
  /** Proxies and trust; undefined: no proxy, and Node's own authorities. */
  readonly network?: Network | undefined;
}

/**
 * An open WebSocket, paused so that nothing is lost before the first listener is there. Call `resume()`.
 * @throws CommandError with the stage that failed and, where the gateway refused, its error code
 */
export async function dialWebSocket(request: DialRequest): Promise<WebSocket> {
  const url = new URL(webSocketUrl(request.gateway, request.path));
  // What speaks WebSocket is loaded while the network is waited for: a companion starts once per ssh.
  const load = (): Promise<typeof import("./upgrade.ts")> => import("./upgrade.ts");
  let loading: ReturnType<typeof load> | undefined;
  const connection = await openSocket(url, request.signal, {
    network: request.network,
    onWaiting: () => {
      loading = load();
    },
  });
  const { upgrade } = await (loading ?? load());
  return await upgrade(connection, url, request);
}
