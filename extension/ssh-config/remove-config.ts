// "Remove SSH Configuration": takes the Include line out of the person's file, which is then byte for byte as before,
// and deletes Sallyport's own files.

import { l10n, window } from "vscode";
import { removeConfig } from "../../agent/client/ssh-config/apply.ts";
import { removeLauncher } from "../../agent/client/ssh-config/launcher-file.ts";
import { includeArgument, includeSpellings } from "../../agent/client/ssh-config/paths.ts";
import { planRemoval } from "../../agent/client/ssh-config/person/include-plan.ts";
import { readPersonConfig } from "../../agent/client/ssh-config/person/person-file.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import { machine } from "../machine.ts";
import type { Services } from "../services.ts";
import { askForRemoval, tellIncludeByHand } from "./consent.ts";
import { managedPaths } from "./managed-config.ts";

const MAX_PLANS = 3;

export async function removeSshConfig(services: Services): Promise<void> {
  const paths = managedPaths();
  for (let plans = 0; plans < MAX_PLANS; plans++) {
    const { bytes, readOnly } = await readPersonConfig(paths.person);
    const plan = planRemoval(bytes, {
      path: paths.person,
      include: includeArgument(paths, process.platform),
      spellings: includeSpellings(paths),
      readOnly,
    });
    if (plan.kind === "refused") {
      await tellIncludeByHand(paths.person, plan, "remove");
      return;
    }
    if (plan.kind === "change" && !(await askForRemoval(paths.person, plan))) return;
    const outcome = await removeConfig({ paths, include: plan.kind === "change" ? plan : undefined });
    if (outcome.kind === "outdated") continue;
    if (outcome.keptFor.length > 0) {
      void window.showInformationMessage(
        l10n.t(
          "Sallyport's SSH configuration was removed from {0}. Its files stay, because {1} includes them too.",
          paths.person,
          outcome.keptFor.join(", "),
        ),
      );
      return;
    }
    removeLauncher(machine());
    services.log.info("The SSH configuration was removed.");
    void window.showInformationMessage(
      outcome.changed
        ? l10n.t("Sallyport's SSH configuration was removed. Before it is added again, you will be asked.")
        : l10n.t("Sallyport had no SSH configuration here."),
    );
    return;
  }
  throw new CommandError("config", "outdated", l10n.t("{0} keeps changing: try again.", paths.person));
}
