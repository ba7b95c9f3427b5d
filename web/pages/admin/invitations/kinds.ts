// What the kinds of invitations are for, in words.

import type { InvitationKind } from "../../../../protocol/sign-in/api.ts";
import { t } from "../../../words.ts";

export const kindWords = (): Readonly<
  Record<InvitationKind, { readonly title: string; readonly what: string }>
> => ({
  account: {
    title: t("A new account"),
    what: t("The person makes an account with a passkey, or by an identity provider where there is one."),
  },
  "sign-in": {
    title: t("Signing in once"),
    what: t(
      "Signs a browser in to an account that exists: for people who lost their passkey or their token.",
    ),
  },
  identity: {
    title: t("An identity for an account"),
    what: t("The person signs in by an identity provider, and takes over an account that exists."),
  },
});
