// The path /link: a host's control connection, which becomes its link.

import type { WebSocket } from "ws";
import { parseTime, TIME_HEADER } from "../../protocol/clock.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Slot } from "../../protocol/flow/fair-slots.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import { SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import { bearerToken } from "../../protocol/values/token.ts";
import type { Identity } from "../directory.ts";
import type { NativeLink } from "../link/native-link.ts";
import { registerHost } from "../link/register.ts";
import { asRefusal } from "../refusal.ts";
import type { UpgradeContext } from "./context.ts";
import { recordRefusal } from "./record-refusal.ts";
import type { Upgrade } from "./upgrade.ts";

/** Accountless hosts that may be online from one address (a /64 for IPv6). */
const MAX_ACCOUNTLESS_PER_ADDRESS = 20;

/**
 * Settles once the host has registered, or has been refused over its WebSocket.
 * @throws ProtocolError what refuses it before it has a WebSocket
 */
export async function acceptHost(upgrade: Upgrade, slot: Slot, context: UpgradeContext): Promise<void> {
  upgrade.requireSubprotocol(SUBPROTOCOL.control);
  const { request, address } = upgrade;
  // Compared at once: waiting would count as a difference.
  const time = parseTime(request.headers[TIME_HEADER]);
  const clockAheadMs = time === undefined ? undefined : time - Date.now();
  const identity = await authenticate(upgrade, context);
  if (identity !== null) slot.moved();
  const account = identity?.account.name;
  const socket = await context.webSockets.accept(upgrade, SUBPROTOCOL.control);
  try {
    const link = await registerHost(socket, { identity, address, clockAheadMs }, context);
    auditLink(socket, link, account, context);
  } catch (error) {
    // The host has been told already.
    recordRefusal(upgrade, asRefusal(error), context, account);
  }
}

function auditLink(
  socket: WebSocket,
  { workspaceId, address, since }: NativeLink,
  account: string | undefined,
  { directory, log }: UpgradeContext,
): void {
  directory.audit({ event: "link.registered", workspace: workspaceId, account, address });
  socket.once("close", () => {
    const durationMs = Date.now() - since.getTime();
    directory.audit({ event: "link.closed", workspace: workspaceId, account, address, durationMs });
    directory.seen(workspaceId).catch((err: unknown) => log.warn({ err }, "lastSeenAt was not written"));
  });
}

/** null: without an account. @throws ProtocolError */
async function authenticate(upgrade: Upgrade, context: UpgradeContext): Promise<Identity | null> {
  const { authorization } = upgrade.request.headers;
  if (authorization === undefined) {
    requireAccountless(upgrade.address, context);
    return null;
  }
  const bearer = bearerToken(authorization);
  if (bearer === undefined)
    throw new ProtocolError("bad_token", "The Authorization header has no Bearer token.");
  const identity = await context.directory.authenticate(bearer, upgrade.address);
  if (!identity.scopes.has("host")) {
    throw new ProtocolError(
      "scope_missing",
      "This access token cannot register hosts: it lacks the scope host.",
    );
  }
  return identity;
}

/** @throws ProtocolError registration_closed, rate_limited */
function requireAccountless(address: string, { allowAccountless, registry }: UpgradeContext): void {
  if (!allowAccountless) {
    throw new ProtocolError(
      "registration_closed",
      "This gateway takes hosts of its accounts only: pass an access token (--token-file or SALLYPORT_TOKEN).",
    );
  }
  const block = addressBlock(address);
  const held = [...registry.everywhere()].filter(
    (link) => link.credential === null && addressBlock(link.address) === block,
  );
  if (held.length >= MAX_ACCOUNTLESS_PER_ADDRESS) {
    throw new ProtocolError(
      "rate_limited",
      "Too many hosts without an account are online from this address.",
    );
  }
}
