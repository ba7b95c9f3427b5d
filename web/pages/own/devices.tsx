// The browsers, editors and command lines that are signed in as the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function DevicesPage() {
  return <PageTitle title={t("Signed-in devices")} />;
}
