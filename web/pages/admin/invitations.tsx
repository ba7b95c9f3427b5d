// Links that make accounts or sign people in, once.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function InvitationsPage() {
  return <PageTitle title={t("Invitations")} />;
}
