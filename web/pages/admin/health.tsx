// Whether the gateway works, as seen from this browser.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function HealthPage() {
  return <PageTitle title={t("Health")} />;
}
