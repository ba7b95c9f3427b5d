// Scopes as boxes to tick: what a program, or an access token that is made, may do.

import type { ComponentChildren } from "preact";
import type { Scope } from "../../protocol/api.ts";
import { t } from "../words.ts";
import { Checkbox } from "./form.tsx";

/** A token for SCIM has no other scope, and is not made by boxes. */
export type OfferedScope = Exclude<Scope, "scim">;

export interface ScopeBoxesProps<S extends OfferedScope> {
  readonly legend: string;
  readonly offered: readonly S[];
  readonly chosen: readonly S[];
  readonly onChange: (chosen: S[]) => void;
  /** Missing: what a scope allows in one's own account. */
  readonly words?: (scope: S) => string;
  /** Whether each scope's name stands below its words. */
  readonly named?: boolean;
  /** Below the boxes. */
  readonly children?: ComponentChildren;
}

export function ScopeBoxes<S extends OfferedScope>({
  legend,
  offered,
  chosen,
  onChange,
  words = ownWords,
  named = false,
  children,
}: ScopeBoxesProps<S>) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {offered.map((scope) => (
        <Checkbox
          key={scope}
          label={words(scope)}
          {...(named ? { hint: scope } : {})}
          checked={chosen.includes(scope)}
          onChange={(checked) =>
            onChange(checked ? [...chosen, scope] : chosen.filter((one) => one !== scope))
          }
        />
      ))}
      {children}
    </fieldset>
  );
}

function ownWords(scope: OfferedScope): string {
  switch (scope) {
    case "connect":
      return t("See your workspaces and connect to them");
    case "account":
      return t("Manage your SSH keys, access tokens and workspaces");
    case "host":
      return t("Make machines reachable as your workspaces");
    case "admin":
      return t("Manage the gateway and all people");
  }
}
