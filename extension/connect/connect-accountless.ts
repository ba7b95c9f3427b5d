// Connects to an accountless workspace by its connect URL. Nobody is signed in; the host key in the URL is what is
// trusted, and the person is asked before anything happens.

import { l10n, ProgressLocation, window } from "vscode";
import {
  type AccountlessWorkspace,
  accountlessName,
  withAccountlessWorkspace,
} from "../../agent/client/connect/accountless-workspace.ts";
import { gatewayApi } from "../../agent/client/gateway-api.ts";
import { applyConfig, type Managed, readManaged } from "../../agent/client/ssh-config/apply.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import { editorNetwork } from "../network.ts";
import type { Services } from "../services.ts";
import { ensureLauncher } from "../ssh-config/launcher.ts";
import { managedPaths, sshFor } from "../ssh-config/managed-config.ts";
import { planForPerson, shadowed } from "./config-step.ts";
import { handOff, remoteSsh } from "./hand-off.ts";

/** @throws CommandError */
export async function connectAccountless(services: Services, workspace: AccountlessWorkspace): Promise<void> {
  const { gateway, id, hostKey } = workspace;
  const name = accountlessName(id);
  const connect = l10n.t("Connect");
  const answer = await window.showWarningMessage(
    l10n.t("Connect to a workspace without an account?"),
    {
      modal: true,
      detail: l10n.t(
        "Gateway: {0}\nHost key: {1}\n\nGo on only if the link comes from somebody you trust: what you open there runs on their machine. The machine must already allow one of your SSH keys.",
        gateway,
        hostKey.fingerprint,
      ),
    },
    connect,
  );
  if (answer !== connect || (await remoteSsh()) === undefined) return;
  const alias = await window.withProgress(
    { location: ProgressLocation.Notification, title: l10n.t("Connecting to {0}", name) },
    async () => {
      await gatewayApi(gateway, { network: editorNetwork() }).discovery();
      return await writeAccountless(services, workspace);
    },
  );
  if (alias === undefined) return;
  await services.history.used(gateway, id);
  await handOff(
    services,
    { gateway: { gateway }, workspace: { id } },
    { alias, byOwnerToken: false },
    { newWindow: false, folder: undefined },
  );
}

/** Returns the alias, or undefined when the person said no to the change of their own file. */
async function writeAccountless(
  services: Services,
  workspace: AccountlessWorkspace,
): Promise<string | undefined> {
  const paths = managedPaths();
  const options = {
    place: { knownHosts: paths.knownHosts, platform: process.platform },
    launcher: await ensureLauncher(services),
  };
  const wanted = (now: Managed) => withAccountlessWorkspace(now, workspace, options);
  const include = await planForPerson(paths);
  if (include === "declined") return undefined;
  const { expect, aliases } = wanted(readManaged(paths));
  const change = (now: Managed) => wanted(now).managed;
  const outcome = await applyConfig({ paths, change, include, expect, ssh: sshFor(paths) });
  if (outcome.kind === "rolled-back") throw shadowed(outcome.differences, paths);
  if (outcome.kind === "outdated") {
    throw new CommandError("config", "outdated", l10n.t("{0} keeps changing: try again.", paths.person));
  }
  return aliases[0]?.alias;
}
