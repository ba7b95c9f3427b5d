// The shared terminals of the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function SharesPage() {
  return <PageTitle title={t("Shared terminals")} />;
}
