// Shows the notice that the previous window left behind.

import { Check } from "typebox/value";
import { parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { showTunnelNotice } from "../connect/transport-step.ts";
import { showOwnerTokenNotice } from "../owner-token/mint.ts";
import type { Services } from "../services.ts";
import { Left, MAX_AGE_MS } from "./left-notice.ts";

export async function showLeftNotice(services: Services): Promise<void> {
  const left = services.history.leftNotice;
  await services.history.setLeftNotice(undefined);
  if (!Check(Left, left) || Date.now() - left.at > MAX_AGE_MS[left.notice.kind]) return;
  await services.gateways.list();
  const gateway = services.gateways.get(parseGatewayUrl(left.gateway));
  const workspace = (await gateway?.list())?.find(({ id }) => id === left.workspace);
  if (gateway === undefined || workspace === undefined) return;
  const { notice } = left;
  if (notice.kind === "tunnel") {
    await showTunnelNotice({ gateway, workspace }, notice.because);
  } else {
    await showOwnerTokenNotice(services, { gateway, workspace }, notice, "ssh-asks");
  }
}
