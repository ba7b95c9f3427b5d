// Finds a workspace by its gateway and its name or id. Where the person does not use that gateway yet, they are asked
// before Sallyport contacts it.

import { l10n, window } from "vscode";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../protocol/values/name.ts";
import type { Services } from "../services.ts";
import { noteAgreement } from "./ask-shared.ts";
import type { ConnectTarget } from "./target.ts";

/** Returns undefined when the person said no. @throws CommandError workspace_unknown, among others */
export async function findWorkspace(
  services: Services,
  url: GatewayUrl,
  ref: WorkspaceRef,
): Promise<ConnectTarget | undefined> {
  await services.gateways.list();
  if (services.gateways.get(url) === undefined) {
    const signIn = l10n.t("Sign In at {0}", gatewayLabel(url));
    const answer = await window.showWarningMessage(
      l10n.t("Connect to {0} at a gateway that you do not use yet?", formatWorkspaceRef(ref)),
      {
        modal: true,
        detail: l10n.t(
          "{0}\n\nSallyport has not contacted it yet. Go on only if you know who runs this gateway: it will see your account and can offer you any machine.",
          url,
        ),
      },
      signIn,
    );
    if (answer !== signIn) return undefined;
    const { signIn: ask } = await import("../accounts/sign-in.ts");
    if ((await ask(services, url)) === undefined) return undefined;
    await services.gateways.list();
  }
  const gateway = services.gateways.get(url);
  if (gateway === undefined) return undefined;
  try {
    return { gateway, workspace: await (await gateway.api()).workspace(ref) };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "workspace_unknown") throw error;
    const { acceptToConnect } = await import("../workspaces/accept-offer.ts");
    const accepted = await acceptToConnect(gateway, ref);
    if (accepted === undefined) throw error;
    if (accepted === "declined") return undefined;
    const target = { gateway, workspace: accepted };
    await noteAgreement(services, target);
    return target;
  }
}
