// The one WebSocket that a web page may open: the dashboard's health page tests by it whether WebSockets pass what stands in
// front of the gateway. It is accepted and closed at once, and is for pages of this gateway only.

import { CLOSE } from "../../protocol/errors.ts";
import { CHECK_PATH, CHECK_SUBPROTOCOL } from "../../protocol/web-socket/check.ts";
import type { UpgradeContext } from "./context.ts";
import type { Upgrade } from "./upgrade.ts";

export function isBrowserCheck(
  { request, path }: Upgrade,
  { publicUrl }: Pick<UpgradeContext, "publicUrl">,
): boolean {
  return (
    path === CHECK_PATH &&
    request.headers["sec-websocket-protocol"] === CHECK_SUBPROTOCOL &&
    request.headers.origin === new URL(publicUrl()).origin
  );
}

/** @throws ProtocolError bad_request, rate_limited, gateway_full */
export async function answerBrowserCheck(upgrade: Upgrade, context: UpgradeContext): Promise<void> {
  const slot = context.pendingUpgrades.enter(upgrade.address, () => upgrade.socket.destroy());
  try {
    const socket = await context.webSockets.accept(upgrade, CHECK_SUBPROTOCOL);
    // It is paused, and what the page sends is not read: only the closing handshake is waited for.
    socket.resume();
    socket.close(CLOSE.normal);
  } finally {
    slot.leave();
  }
}
