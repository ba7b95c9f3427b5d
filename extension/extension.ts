// The extension's entry point. It registers everything and loads almost nothing: the modules that do the work are
// imported when they are first needed. In a window where Sallyport is not used, not even this file runs.

import { type ExtensionContext, env } from "vscode";
import { VERSION } from "../protocol/version.ts";
import { AccountStore } from "./accounts/account-store.ts";
import { registerAuthenticationProvider } from "./accounts/authentication-provider.ts";
import { Gateways } from "./accounts/gateways.ts";
import { SignInCallbacks } from "./accounts/sign-in-callbacks.ts";
import { watchSignIns } from "./accounts/signed-out-notice.ts";
import { registerCommands } from "./commands.ts";
import { History } from "./history.ts";
import { createEditorLog } from "./log.ts";
import { resumeClipboardClearing } from "./owner-token/clipboard.ts";
import type { Services } from "./services.ts";
import { registerSharing } from "./sharing/sharing-status.ts";
import { watchUpdates } from "./updates/watch-updates.ts";
import { registerUriHandler } from "./uri-handler.ts";
import { WorkspacesView } from "./workspaces/workspaces-view.ts";

export async function activate(context: ExtensionContext): Promise<void> {
  const started = performance.now();
  const log = createEditorLog();
  const accounts = new AccountStore(context.secrets, log);
  const gateways = new Gateways(accounts);
  const signIns = new SignInCallbacks(context.secrets, log);
  const history = new History(context.globalState);
  const services: Services = { context, log, accounts, gateways, signIns, history };
  const view = new WorkspacesView(services);
  context.subscriptions.push(
    log,
    accounts,
    gateways,
    signIns,
    view,
    registerAuthenticationProvider(accounts, async (gateway) =>
      (await import("./accounts/sign-in.ts")).signIn(services, gateway),
    ),
    ...registerCommands(services, view),
    registerUriHandler(services),
    watchSignIns(services),
    registerSharing(services),
    resumeClipboardClearing(services),
    watchUpdates(services),
  );
  log.info(`Sallyport ${VERSION} activated in ${Math.round(performance.now() - started)} ms.`);
  void keepLauncher(services);
  void keepNetwork(services);
  if (services.history.leftNotice !== undefined) void showLeft(services);
  // Remote-SSH connects only after activation has finished, so its configuration is fresh by then.
  if (env.remoteName === "ssh-remote") {
    await (await import("./remote-window/remote-window.ts")).enterRemoteWindow(services);
  }
}

async function showLeft(services: Services): Promise<void> {
  const { showLeftNotice } = await import("./remote-window/show-left-notice.ts");
  try {
    await showLeftNotice(services);
  } catch (error) {
    // Not worth an error message: the gateway that the notice is about does not answer now.
    services.log.warn(`A notice could not be shown: ${error instanceof Error ? error.message : error}`);
  }
}

/** ssh starts the tunnel, and ssh knows nothing of the editor's settings. */
async function keepNetwork(services: Services): Promise<void> {
  const { handDownNetwork } = await import("./network.ts");
  services.context.subscriptions.push(handDownNetwork(services));
}

/** An editor's update changes its path, so the launcher by which ssh finds it is written again. */
async function keepLauncher(services: Services): Promise<void> {
  const { refreshLauncher } = await import("./ssh-config/launcher.ts");
  await refreshLauncher(services);
}
