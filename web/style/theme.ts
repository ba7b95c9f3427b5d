// Light or dark: as the system says, or as the person chose in the account page.

const CHOICE = "sallyport-theme";
export const THEMES = ["light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** undefined: as the system says. */
export function chosenTheme(storage: Pick<Storage, "getItem">): Theme | undefined {
  const chosen = storage.getItem(CHOICE);
  return THEMES.find((one) => one === chosen);
}

/** Chooses for this browser, at once. */
export function chooseTheme(storage: Storage, theme: Theme | undefined): void {
  if (theme === undefined) storage.removeItem(CHOICE);
  else storage.setItem(CHOICE, theme);
  showTheme(theme);
}

export function showTheme(theme: Theme | undefined): void {
  if (theme === undefined) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
