// The path /link/stream: a host dials back for one stream. Its token names the client that waits for it.

import { ProtocolError } from "../../protocol/errors.ts";
import { bearerToken } from "../../protocol/values/token.ts";
import type { UpgradeContext } from "./context.ts";
import type { Upgrade } from "./upgrade.ts";

/** @throws ProtocolError unsupported_version, bad_token, stream_unknown, bad_request */
export async function acceptDialBack(
  upgrade: Upgrade,
  { pending, webSockets }: UpgradeContext,
): Promise<void> {
  // Checked before the token is used up: a dial-back with the wrong subprotocol may be tried again.
  const [subprotocol] = upgrade.dataSubprotocols();
  const waiter = pending.take(bearerToken(upgrade.request.headers.authorization));
  try {
    waiter.resolve(await webSockets.accept(upgrade, subprotocol));
  } catch (error) {
    waiter.reject(new ProtocolError("workspace_timeout", "The workspace failed to dial back."));
    throw error;
  }
}
