// One workspace: how to connect, who is connected, whom it is shared with.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function WorkspacePage() {
  return <PageTitle title={t("Workspace")} />;
}
