// A device without a browser asks to act for the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function DevicePage() {
  return <PageTitle title={t("Connect a device")} />;
}
