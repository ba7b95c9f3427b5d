// What a program may do, as boxes to tick. Both pages for consent have it.

import type { OAuthScope } from "../../../protocol/sign-in/oauth.ts";
import { Checkbox } from "../../parts/form.tsx";
import { t } from "../../words.ts";

export interface ScopeChoiceProps {
  readonly asked: readonly OAuthScope[];
  readonly allowed: readonly OAuthScope[];
  readonly onChange: (allowed: OAuthScope[]) => void;
}

export function ScopeChoice({ asked, allowed, onChange }: ScopeChoiceProps) {
  return (
    <fieldset>
      <legend>{t("It may")}</legend>
      {asked.map((scope) => (
        <Checkbox
          key={scope}
          label={words(scope)}
          checked={allowed.includes(scope)}
          onChange={(checked) =>
            onChange(asked.filter((one) => (one === scope ? checked : allowed.includes(one))))
          }
        />
      ))}
      {allowed.length === 0 && <p class="hint">{t("Leave at least one, or refuse.")}</p>}
    </fieldset>
  );
}

function words(scope: OAuthScope): string {
  switch (scope) {
    case "connect":
      return t("See your workspaces and connect to them");
    case "account":
      return t("Manage your SSH keys, access tokens and workspaces");
    case "host":
      return t("Make machines reachable as your workspaces");
  }
}

/** The program that asks. */
export function clientName(client: string): string {
  switch (client) {
    case "sallyport-cli":
      return t("The command line sallyport");
    case "sallyport-vscode":
      return t("The Sallyport extension of an editor");
    default:
      return client;
  }
}
