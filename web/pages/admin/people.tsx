// The people of the gateway.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function PeoplePage() {
  return <PageTitle title={t("People")} />;
}
