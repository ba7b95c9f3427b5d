// How this browser shows the dashboard: light or dark, and the language.

import { useState } from "preact/hooks";
import { SelectField } from "../../parts/form.tsx";
import { chooseTheme, chosenTheme, THEMES, type Theme } from "../../style/theme.ts";
import { chooseLanguage, chosenLanguage, LANGUAGES, type Language, t } from "../../words.ts";

/** Languages in their own words. */
const NAMES: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };

export function Appearance() {
  const [theme, setTheme] = useState<Theme | "system">(chosenTheme(localStorage) ?? "system");
  const themes: Readonly<Record<Theme, string>> = { light: t("Light"), dark: t("Dark") };
  return (
    <section class="panel">
      <h2>{t("This browser")}</h2>
      <div class="filters">
        <SelectField
          label={t("Colours")}
          value={theme}
          options={[
            { value: "system", text: t("As the system") },
            ...THEMES.map((one) => ({ value: one, text: themes[one] })),
          ]}
          onChange={(wanted) => {
            setTheme(wanted);
            chooseTheme(localStorage, wanted === "system" ? undefined : wanted);
          }}
        />
        <SelectField
          label={t("Language")}
          value={chosenLanguage(localStorage) ?? "system"}
          options={[
            { value: "system", text: t("As the browser") },
            ...LANGUAGES.map((one) => ({ value: one, text: NAMES[one] })),
          ]}
          onChange={(wanted) => {
            chooseLanguage(localStorage, wanted === "system" ? undefined : wanted);
            location.reload();
          }}
        />
      </div>
    </section>
  );
}
