// The page that the browser shows after a sign-in for a command line. It says what happened and holds nothing of it: no name, no
// token, no script. Pure.

const WORDS = {
  en: {
    code: ["Signed in", "You can close this tab and go back to the terminal."],
    refused: ["Not signed in", "You can close this tab. The terminal says why."],
  },
  de: {
    code: ["Angemeldet", "Sie können diesen Tab schließen und zum Terminal zurückkehren."],
    refused: ["Nicht angemeldet", "Sie können diesen Tab schließen. Im Terminal steht der Grund."],
  },
} as const;

export function loopbackPage(kind: "code" | "refused", acceptLanguage: string | undefined): string {
  const language = preferred(acceptLanguage);
  const [title, text] = WORDS[language][kind];
  return (
    `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<meta name="color-scheme" content="light dark"><title>${title} – Sallyport</title><h1>${title}</h1><p>${text}</p></html>\n`
  );
}

/** The first of the two languages by weight (RFC 9110 §12.5.4). */
function preferred(acceptLanguage = ""): "en" | "de" {
  let best: { language: "en" | "de"; weight: number } | undefined;
  for (const part of acceptLanguage.slice(0, 500).split(",")) {
    const [, tag = "", quality = "1"] = /^\s*(en|de)\b[\w-]*\s*(?:;\s*q=([\d.]+))?\s*$/i.exec(part) ?? [];
    const weight = Number(quality);
    if (tag === "" || !(weight > (best?.weight ?? 0))) continue;
    best = { language: tag.toLowerCase() === "de" ? "de" : "en", weight };
  }
  return best?.language ?? "en";
}
