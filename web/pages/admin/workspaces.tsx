// The workspaces of everybody.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function AllWorkspacesPage() {
  return <PageTitle title={t("All workspaces")} />;
}
