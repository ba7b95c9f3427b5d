import { afterEach, describe, expect, test } from "vitest";
import { chosenLanguage, keyOf, language, languageFor, speak, t } from "../../../web/words.ts";

const storageWith = (value: string | null) => ({ getItem: () => value });

// The words are the module's own, and files share a process.
afterEach(() => speak("en", async () => ({})));

describe("the language", () => {
  test.each([
    ["de", ["en-US"], "de"],
    ["en", ["de-AT"], "en"],
    [undefined, ["de-AT", "en"], "de"],
    [undefined, ["DE"], "de"],
    [undefined, ["fr", "de"], "de"],
    [undefined, ["en-GB", "de"], "en"],
    [undefined, ["den", "fr"], "en"],
    [undefined, [], "en"],
  ] as const)("chosen %s with a browser of %j is %s", (chosen, browser, expected) => {
    expect(languageFor(chosen, browser)).toBe(expected);
  });

  test("that is stored counts only if there is one like it", () => {
    expect(chosenLanguage(storageWith("de"))).toBe("de");
    expect(chosenLanguage(storageWith("__proto__"))).toBeUndefined();
    expect(chosenLanguage(storageWith(null))).toBeUndefined();
  });
});

describe("a text", () => {
  test("is in English until a language is loaded, and has its values", async () => {
    expect(t("{0} of {1}", 3, "ten")).toBe("3 of ten");
    await speak("de", async () => ({ [keyOf("{0} of {1}")]: "{1}, davon {0}" }));
    expect(language()).toBe("de");
    expect(t("{0} of {1}", 3, "zehn")).toBe("zehn, davon 3");
    expect(t("not translated")).toBe("not translated");
  });

  test("puts values in as they are, once", () => {
    expect(t("{0} and {1}", "{1}", "$&")).toBe("{1} and $&");
    expect(t("{0} and {1}", "a")).toBe("a and {1}");
  });

  test("stays English if the language cannot be loaded", async () => {
    await speak("de", () => Promise.reject(new Error("gone")));
    expect(language()).toBe("en");
    expect(t("Cancel")).toBe("Cancel");
  });
});
