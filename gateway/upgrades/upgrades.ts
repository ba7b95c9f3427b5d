// Where all WebSocket requests arrive: hands each upgrade request to the file for its path, and limits how
// many can wait before anything is proved.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { ProtocolError } from "../../protocol/errors.ts";
import { PATHS } from "../../protocol/values/gateway-url.ts";
import { followChange } from "../link/follow-change.ts";
import { NativeLink } from "../link/native-link.ts";
import { asRefusal } from "../refusal.ts";
import { isUptermRequest } from "../upterm/web-socket.ts";
import { AcceptedWebSockets } from "./accepted-web-sockets.ts";
import { answerBrowserCheck, isBrowserCheck } from "./browser-check.ts";
import type { FailedSignIns, UpgradeContext, UpgradeOptions } from "./context.ts";
import { acceptDialBack } from "./dial-back.ts";
import { acceptHost } from "./host-link.ts";
import { PendingUpgrades } from "./pending-upgrades.ts";
import { recordRefusal } from "./record-refusal.ts";
import { acceptTunnel } from "./tunnel.ts";
import { Upgrade } from "./upgrade.ts";
import { acceptUpterm } from "./upterm.ts";

interface ServedUpgrades {
  /** Tells hosts to go elsewhere, closes every WebSocket, and settles within a few seconds. */
  close(): Promise<void>;
}

/** Serves the upgrade requests of `options.server`. */
export function serveUpgrades(options: UpgradeOptions): ServedUpgrades {
  const { server, directory, registry, connections, clientAddress, throttle, log } = options;
  const context: UpgradeContext = {
    ...options,
    webSockets: new AcceptedWebSockets(log),
    pendingUpgrades: new PendingUpgrades(options.workers),
  };
  let isClosing = false;

  const handle = async (upgrade: Upgrade): Promise<void> => {
    if (isClosing)
      throw new ProtocolError("shutting_down", "The gateway is about to stop; try again in a moment.");
    if (isBrowserCheck(upgrade, context)) return await answerBrowserCheck(upgrade, context);
    refuseBrowsers(upgrade);
    if (context.handover?.give(upgrade.request, upgrade.socket, upgrade.head) === true) return;
    await accept(upgrade, context);
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const upgrade = new Upgrade(request, socket, head, clientAddress(request));
    handle(upgrade).catch((error: unknown) => {
      const refusal = throttled(asRefusal(error), upgrade.address, throttle);
      if (refusal.code === "internal") log.error({ err: refusal.cause }, "an upgrade failed");
      recordRefusal(upgrade, refusal, context);
      upgrade.refuse(refusal);
    });
  };

  const unsubscribe = directory.onChange((change) => {
    followChange(change, directory, registry, connections).catch((err: unknown) =>
      log.error({ err }, "a change could not be followed"),
    );
  });
  server.on("upgrade", onUpgrade);

  return {
    async close() {
      isClosing = true;
      unsubscribe();
      const reason = "the gateway is about to stop";
      for (const link of [...registry.all()]) if (link instanceof NativeLink) link.goAway(reason);
      await context.webSockets.close(reason);
      server.off("upgrade", onUpgrade);
    },
  };
}

/** @throws ProtocolError why the request has no WebSocket */
async function accept(upgrade: Upgrade, context: UpgradeContext): Promise<void> {
  const { path } = upgrade;
  // The client that it is for already has a slot.
  if (path === PATHS.stream) return await acceptDialBack(upgrade, context);
  const slot = context.pendingUpgrades.enter(upgrade.address, () => upgrade.socket.destroy());
  try {
    if (path === PATHS.link) await acceptHost(upgrade, slot, context);
    else if (path === PATHS.tunnel) await acceptTunnel(upgrade, slot, context);
    else if (isUptermRequest(upgrade.request)) await acceptUpterm(upgrade, context);
    else throw new ProtocolError("not_found", "There is no WebSocket at this path.");
  } finally {
    slot.leave();
  }
}

/**
 * Clients of these paths are programs, which send no Origin (RFC 6455 §10.2). A request that has one comes
 * from a web page: a page of any site could otherwise reach a gateway on an internal network through a
 * browser there.
 * @throws ProtocolError forbidden
 */
function refuseBrowsers({ request }: Upgrade): void {
  if (request.headers.origin === undefined) return;
  throw new ProtocolError("forbidden", "Web pages cannot open connections here: this request has an Origin.");
}

/** Tells a client that keeps failing to sign in to wait. A good credential is never throttled. */
function throttled(refusal: ProtocolError, address: string, throttle: FailedSignIns): ProtocolError {
  if (refusal.status !== 401) return refusal;
  throttle.failed(address);
  try {
    throttle.check(address);
    return refusal;
  } catch (error) {
    return asRefusal(error);
  }
}
