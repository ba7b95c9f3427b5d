// A one-use link was opened.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function WelcomePage() {
  return <PageTitle title={t("Welcome")} />;
}
