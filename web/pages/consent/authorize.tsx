// A program asks to act for the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function AuthorizePage() {
  return <PageTitle title={t("Allow access")} />;
}
