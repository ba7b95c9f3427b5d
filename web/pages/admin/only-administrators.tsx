// What every page of the administration is in: other people read who can help them instead.

import type { ComponentChildren } from "preact";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { Link } from "../../parts/link.tsx";
import { PageTitle } from "../../parts/page-title.tsx";
import { isAdmin, session } from "../../session.ts";
import { t } from "../../words.ts";

export interface OnlyAdministratorsProps {
  /** Of the page. */
  readonly title: string;
  readonly children: ComponentChildren;
}

export function OnlyAdministrators({ title, children }: OnlyAdministratorsProps) {
  if (isAdmin()) return <>{children}</>;
  return (
    <>
      <PageTitle
        title={title}
        intro={t(
          "This page is for administrators of this gateway, and {0} is not one.",
          session.value?.account.name ?? "",
        )}
      />
      <section class="panel stack">
        <p>{t("An administrator can give your account that role. Then sign in again.")}</p>
        <Link to={PAGES.workspaces}>{t("To the workspaces")}</Link>
      </section>
    </>
  );
}
