// Makes text that others chose safe to show: a terminal must not obey it, and it must not look like something that it is not.
// Control characters ring bells and move cursors. Format characters (Unicode's Cf) hide, join and reverse the text around them
// (the "Trojan source" tricks). Line and paragraph separators end a line for some readers only.

declare const brand: unique symbol;
/** One line without control or format characters, bidirectional overrides among them. */
export type Printable = string & { readonly [brand]: "Printable" };

/** For schemas, which compile patterns with the `u` flag. */
export const PRINTABLE_PATTERN = "^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]*$";
const printableRegExp = new RegExp(PRINTABLE_PATTERN, "u");

export function isPrintable(text: string): text is Printable {
  return printableRegExp.test(text);
}

/** Replaces each control and format character by `�`, and cuts the text to `maxLength` characters. */
export function printable(text: string, maxLength = Number.POSITIVE_INFINITY): Printable {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
  // A surrogate without its other half, which the cut may have removed, has no UTF-8 form.
  return shown.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�") as Printable;
}

/** The same for text of several lines, such as another program's output: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) =>
      line
        .split("\t")
        .map((part) => printable(part))
        .join("\t"),
    )
    .join("\n");
}
