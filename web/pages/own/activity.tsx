// What happened in the account of the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function ActivityPage() {
  return <PageTitle title={t("Activity")} />;
}
