// What is wrong with a name that a person types.

import { l10n } from "vscode";
import { isName } from "../protocol/values/name.ts";

/** Returns a sentence for an input box; undefined when the text is a valid name of a workspace or an account. */
export function nameProblem(text: string): string | undefined {
  return isName(text)
    ? undefined
    : l10n.t("1 to 40 characters: a-z, 0-9 and hyphens, with no hyphen at the start or the end.");
}
