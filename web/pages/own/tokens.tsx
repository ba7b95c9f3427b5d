// The access tokens of the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function TokensPage() {
  return <PageTitle title={t("Access tokens")} />;
}
