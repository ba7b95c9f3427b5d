// All workspaces of the person, live.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function WorkspacesPage() {
  return <PageTitle title={t("Workspaces")} />;
}
