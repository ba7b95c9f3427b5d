// The account of the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function AccountPage() {
  return <PageTitle title={t("Account")} />;
}
