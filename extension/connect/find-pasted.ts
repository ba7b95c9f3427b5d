// Finds the workspace that a pasted address or connect URL means. No gateway is contacted that the person does not use
// yet before they have agreed to it.

import { commands, l10n, window } from "vscode";
import { type PastedAddress, parsePastedAddress } from "../../agent/client/connect/pasted-address.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { type GatewayUrl, gatewayHost, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { Gateway } from "../accounts/gateways.ts";
import type { Services } from "../services.ts";
import { agreesToShared } from "./ask-shared.ts";
import { findWorkspace } from "./find-workspace.ts";
import type { ConnectTarget } from "./target.ts";

/**
 * Returns undefined when the person said no, or when the address was a connect URL with a host key, which is opened
 * here.
 * @throws ProtocolError, CommandError
 */
export async function findPasted(services: Services, text: string): Promise<ConnectTarget | undefined> {
  const address = parsePastedAddress(text);
  if (address === undefined) return undefined;
  const gateway = await gatewayOf(services, address);
  if (gateway === undefined) return undefined;
  const { workspace, hostKey } = address;
  if (hostKey === undefined) {
    const target = await findWorkspace(services, gateway, workspace);
    return target !== undefined && (await agreesToShared(services, target)) ? target : undefined;
  }
  // With a host key the address says as much as a connect URL, and is treated as one.
  const { openConnectUrl } = await import("./open-connect-url.ts");
  await openConnectUrl(services, { gateway, workspace, hostKey });
  return undefined;
}

/**
 * An ssh command names the host of an SSH port: that of a gateway's URL, or the one that a gateway publishes for its
 * port.
 */
async function gatewayOf(
  services: Services,
  { gateway, sshHost }: PastedAddress,
): Promise<GatewayUrl | undefined> {
  if (gateway !== undefined) return gateway;
  const known = await services.gateways.list();
  if (sshHost === undefined) {
    if (known.length === 0) await commands.executeCommand("sallyport.signIn");
    return known.length <= 1 ? services.gateways.known[0]?.gateway : (await chooseGateway(known))?.gateway;
  }
  const named = known.find((one) => gatewayHost(one.gateway) === sshHost);
  if (named !== undefined) return named.gateway;
  for (const one of known) {
    // A gateway that does not answer is skipped.
    const ssh = await one.discovery().then(
      (answer) => answer.ssh,
      () => null,
    );
    if (ssh?.host === sshHost) return one.gateway;
  }
  return parseGatewayUrl(sshHost);
}

async function chooseGateway(gateways: readonly Gateway[]): Promise<Gateway | undefined> {
  const items = gateways.map((gateway) => ({ label: gatewayLabel(gateway.gateway), gateway }));
  return (await window.showQuickPick(items, { title: l10n.t("At which gateway?") }))?.gateway;
}
