// Signing in, by every way that the gateway has.

import { PageTitle } from "../../parts/page-title.tsx";
import { t } from "../../words.ts";

export function SignInPage() {
  return <PageTitle title={t("Sign in")} />;
}
