// The extension's entry point: registers everything and loads next to nothing. What does the work is imported when it is
// first needed; in a window where Sallyport is not used, not even this runs.

import { type ExtensionContext, env } from "vscode";
import { VERSION } from "../protocol/version.ts";
import { AccountStore } from "./accounts/account-store.ts";
import { registerAuthenticationProvider } from "./accounts/authentication-provider.ts";
import { Gateways } from "./accounts/gateways.ts";
import { watchSignIns } from "./accounts/signed-out-notice.ts";
import { registerCommands } from "./commands.ts";
import { History } from "./history.ts";
import { createEditorLog } from "./log.ts";
import { resumeClipboardClearing } from "./owner-token/clipboard.ts";
import type { Services } from "./services.ts";
import { registerSharing } from "./sharing/sharing-status.ts";
import { registerUriHandler } from "./uri-handler.ts";
import { WorkspacesView } from "./workspaces/workspaces-view.ts";

export async function activate(context: ExtensionContext): Promise<void> {
  const started = performance.now();
  const log = createEditorLog();
  const accounts = new AccountStore(context.secrets, log);
  const gateways = new Gateways(accounts);
  const services: Services = { context, log, accounts, gateways, history: new History(context.globalState) };
  const view = new WorkspacesView(services);
  context.subscriptions.push(
    log,
    accounts,
    gateways,
    view,
    registerAuthenticationProvider(accounts, async (gateway) =>
      (await import("./accounts/sign-in.ts")).signIn(services, gateway),
    ),
    ...registerCommands(services, view),
    registerUriHandler(services),
    watchSignIns(services),
    registerSharing(services),
    resumeClipboardClearing(services),
  );
  log.info(`Sallyport ${VERSION} activated in ${Math.round(performance.now() - started)} ms.`);
  void keepLauncher(services);
  void keepNetwork(services);
  if (services.history.leftNotice !== undefined) void showLeft(services);
  // Remote-SSH waits for this before it connects: its configuration is fresh then.
  if (env.remoteName === "ssh-remote") {
    await (await import("./remote-window/remote-window.ts")).enterRemoteWindow(services);
  }
}

async function showLeft(services: Services): Promise<void> {
  const { showLeftNotice } = await import("./remote-window/show-left-notice.ts");
  try {
    await showLeftNotice(services);
  } catch (error) {
    // A notice is not worth a failure's message: the gateway that it is about does not answer now.
    services.log.warn(`A notice could not be shown: ${error instanceof Error ? error.message : error}`);
  }
}

/** ssh starts the tunnel, and ssh knows no setting of an editor. */
async function keepNetwork(services: Services): Promise<void> {
  const { handDownNetwork } = await import("./network.ts");
  services.context.subscriptions.push(handDownNetwork(services));
}

/** Editors move when they are updated; ssh finds the newest one by the launcher. */
async function keepLauncher(services: Services): Promise<void> {
  const { refreshLauncher } = await import("./ssh-config/launcher.ts");
  await refreshLauncher(services);
}
