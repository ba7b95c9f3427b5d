// What both pages for consent end with: what the program may do, and the two answers.

import type { OAuthScope } from "../../../protocol/sign-in/oauth.ts";
import type { Action } from "../../load.ts";
import { ErrorNotice } from "../../parts/notice.tsx";
import { ScopeBoxes } from "../../parts/scope-boxes.tsx";
import { t } from "../../words.ts";

export interface ScopeChoiceProps {
  readonly asked: readonly OAuthScope[];
  readonly allowed: readonly OAuthScope[];
  readonly onChange: (allowed: OAuthScope[]) => void;
}

export function ScopeChoice({ asked, allowed, onChange }: ScopeChoiceProps) {
  return (
    <ScopeBoxes legend={t("It may")} offered={asked} chosen={allowed} onChange={onChange}>
      {allowed.length === 0 && <p class="hint">{t("Leave at least one, or refuse.")}</p>}
    </ScopeBoxes>
  );
}

export interface AnswersProps {
  /** Called with whether it is allowed. */
  readonly decide: Action<[allow: boolean]>;
  readonly allowed: readonly OAuthScope[];
  /** The word for saying no, and whether it stands out. */
  readonly no: string;
  readonly warns?: boolean;
}

export function Answers({ decide, allowed, no, warns = false }: AnswersProps) {
  return (
    <>
      <ErrorNotice error={decide.error} />
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={decide.busy || allowed.length === 0}
          onClick={() => void decide.run(true)}
        >
          {t("Allow")}
        </button>
        <button
          type="button"
          class={warns ? "danger" : undefined}
          disabled={decide.busy}
          onClick={() => void decide.run(false)}
        >
          {no}
        </button>
      </div>
    </>
  );
}
