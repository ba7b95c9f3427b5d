// Who is signed in, on pages without the navigation, with a button for people who are somebody else.

import { session } from "../../session.ts";
import { signOut } from "../../sign-in/sign-out.ts";
import { t } from "../../words.ts";

export function Person() {
  return (
    <>
      {session.value?.account.name}{" "}
      <button type="button" class="plain inline" onClick={() => void signOut()}>
        {t("Not you?")}
      </button>
    </>
  );
}
