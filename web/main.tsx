// Where the dashboard starts in the browser.

import { render } from "preact";
import { setHooks } from "./api.ts";
import { App, askToSignIn } from "./app.tsx";
import { startRouter } from "./router.ts";
import { ended, session } from "./session.ts";
import { proveAgain } from "./sign-in/again.ts";
import { forgetSession } from "./sign-in/sign-out.ts";
import { chosenTheme, showTheme } from "./style/theme.ts";
import { chosenLanguage, language, languageFor, speak } from "./words.ts";

showTheme(chosenTheme(localStorage));
await speak(languageFor(chosenLanguage(localStorage), navigator.languages), async () => {
  const { default: texts } = await import("virtual:german");
  return texts;
});
document.documentElement.lang = language();
setHooks({
  onSignedOut: (code) => {
    if (session.value) ended.value = code;
    forgetSession();
    askToSignIn();
  },
  onReauthentication: proveAgain,
});
startRouter();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
