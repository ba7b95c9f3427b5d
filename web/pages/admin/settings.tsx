// The settings of the gateway, to read.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function SettingsPage() {
  return <PageTitle title={t("Settings")} />;
}
