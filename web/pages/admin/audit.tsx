// The audit log of the gateway.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function AuditPage() {
  return <PageTitle title={t("Audit log")} />;
}
