// The identity providers, and a test of each.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function ProvidersPage() {
  return <PageTitle title={t("Identity providers")} />;
}
