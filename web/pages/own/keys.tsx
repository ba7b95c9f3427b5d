// The SSH keys of the person.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function KeysPage() {
  return <PageTitle title={t("SSH keys")} />;
}
