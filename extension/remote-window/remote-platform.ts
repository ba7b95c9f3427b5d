// Microsoft's Remote-SSH asks for the platform of each new host. If the person says that their workspaces run Linux,
// Sallyport answers for them, in `remote.SSH.remotePlatform`. This is the only setting of theirs that it writes, and
// only after a yes.

import { ConfigurationTarget, extensions, l10n, window, workspace } from "vscode";
import { REMOTE_SSH_FLAVOURS } from "../../agent/client/connect/hand-off-target.ts";
import { describe } from "../failure-message.ts";
import type { Services } from "../services.ts";

const ANSWER = "sallyport.remotePlatform";

export async function offerRemotePlatform(services: Services, alias: string): Promise<void> {
  if (extensions.getExtension(REMOTE_SSH_FLAVOURS[0]) === undefined) return;
  const configuration = workspace.getConfiguration("remote.SSH");
  const setting = configuration.inspect<Record<string, string>>("remotePlatform");
  // Only if this Remote-SSH knows the setting and has no answer for the host yet.
  if (setting?.defaultValue === undefined || setting.globalValue?.[alias] !== undefined) return;
  const known = services.context.globalState.get<"linux" | "ask">(ANSWER);
  const answer = known ?? (await ask());
  if (answer === undefined) return;
  if (known === undefined) await services.context.globalState.update(ANSWER, answer);
  if (answer !== "linux") return;
  const value = { ...setting.globalValue, [alias]: "linux" };
  try {
    await configuration.update("remotePlatform", value, ConfigurationTarget.Global);
  } catch (error) {
    // The settings cannot be written: Remote-SSH asks, as it does without us.
    services.log.warn(`remote.SSH.remotePlatform could not be set: ${describe(error)}`);
  }
}

async function ask(): Promise<"linux" | "ask" | undefined> {
  const linux = l10n.t("They Run Linux");
  const no = l10n.t("Let Remote-SSH Ask");
  const answer = await window.showInformationMessage(
    l10n.t("Do your workspaces run Linux?"),
    {
      modal: true,
      detail: l10n.t(
        "Remote-SSH asks for the platform of each new host. Sallyport can answer for you: it then adds each workspace that you open to the setting “remote.SSH.remotePlatform”.",
      ),
    },
    linux,
    no,
  );
  return answer === linux ? "linux" : answer === no ? "ask" : undefined;
}
