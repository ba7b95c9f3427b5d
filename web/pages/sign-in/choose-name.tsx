// Somebody signed in by a provider for the first time.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function ChooseNamePage() {
  return <PageTitle title={t("Choose a name")} />;
}
