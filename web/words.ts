// The texts that people read, in English or German. The English text is the key of the catalogue, which the extension shares
// (l10n/). The German one is loaded only where it is wanted.

/** What the person chose in the account page; missing: as the browser says. */
const CHOICE = "sallyport-language";
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

/** By the key of the English text. */
let texts: Readonly<Record<string, string>> = {};
let current: Language = "en";

/**
 * The text in the person's language. `{0}` stands for the first value.
 * @example t("Copy: {0}", label)
 */
export function t(english: string, ...values: readonly (string | number)[]): string {
  const text = (current === "en" ? undefined : texts[keyOf(english)]) ?? english;
  return text.replace(/\{(\d)\}/g, (whole, index: string) => {
    const value = values[Number(index)];
    return value === undefined ? whole : String(value);
  });
}

/**
 * A short key for an English text, so that the German chunk does not have every English one again: FNV-1a in 24 bits, in five
 * digits. The build refuses two texts with one key.
 */
export function keyOf(english: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < english.length; index++) {
    hash = Math.imul(hash ^ english.charCodeAt(index), 0x01000193);
  }
  return (((hash >>> 8) ^ hash) & 0xffffff).toString(32).padStart(5, "0");
}

/** The language that the page is in. */
export const language = (): Language => current;

/** Loads the language's texts, before anything is shown. A language that cannot be loaded changes nothing. */
export async function speak(wanted: Language, load: () => Promise<Readonly<Record<string, string>>>) {
  try {
    texts = wanted === "en" ? {} : await load();
    current = wanted;
  } catch {
    // The texts are a convenience; the page works without them.
  }
}

/** @param chosen what `chosenLanguage` gave @param browser `navigator.languages` */
export function languageFor(chosen: Language | undefined, browser: readonly string[]): Language {
  if (chosen !== undefined) return chosen;
  for (const tag of browser) {
    const known = LANGUAGES.find(
      (one) => tag.toLowerCase() === one || tag.toLowerCase().startsWith(`${one}-`),
    );
    if (known !== undefined) return known;
  }
  return "en";
}

export function chosenLanguage(storage: Pick<Storage, "getItem">): Language | undefined {
  const chosen = storage.getItem(CHOICE);
  return LANGUAGES.find((one) => one === chosen);
}

/** undefined: as the browser says. Takes effect when the page is loaded again. */
export function chooseLanguage(storage: Storage, wanted: Language | undefined): void {
  if (wanted === undefined) storage.removeItem(CHOICE);
  else storage.setItem(CHOICE, wanted);
}
