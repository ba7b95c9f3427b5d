// upterm's WebSockets, at any path: a whole SSH connection, for the SSH port's server.

import { ProtocolError } from "../../protocol/errors.ts";
import { carrySsh, readUptermRequest } from "../upterm/web-socket.ts";
import type { UpgradeContext } from "./context.ts";
import type { Upgrade } from "./upgrade.ts";

/** @throws ProtocolError not_found: no SSH is served; bad_request */
export async function acceptUpterm(upgrade: Upgrade, context: UpgradeContext): Promise<void> {
  const server = context.sshServer();
  if (server === undefined) throw new ProtocolError("not_found", "This gateway serves no SSH.");
  const asked = readUptermRequest(upgrade.request);
  carrySsh(await context.webSockets.accept(upgrade, "none"), asked, upgrade.address, server);
}
