import { describe, expect, test } from "vitest";
import { allDefinitions } from "../../../../../agent/cli/commands.ts";
import type { PowershellWords } from "../../../../../agent/cli/completion/powershell.ts";
import { completionScript } from "../../../../../agent/cli/completion/script.ts";

const script = completionScript("powershell", await allDefinitions());

/** The tokens of about_Quoting_Rules and about_Parsing that the script uses; what is between quotes is one token. */
function tokens(text: string): readonly string[] {
  const rest = text.replace(/^#.*$/gm, "").replace(/'(?:[^']|'')*'|"[^"]*"/g, (quoted) => quoted[0] ?? "");
  return rest.match(/[(){}[\]'"]/g) ?? [];
}

/** The text between the quotes behind ConvertFrom-Json. */
function words(): PowershellWords {
  const quoted = /ConvertFrom-Json '((?:[^']|'')*)'\r?\n/.exec(script)?.[1] ?? "";
  return JSON.parse(quoted.replaceAll("''", "'"));
}

describe("the completion script for PowerShell", () => {
  test("closes every bracket that it opens", () => {
    const open: string[] = [];
    const pairs: Readonly<Record<string, string>> = { ")": "(", "}": "{", "]": "[" };
    for (const token of tokens(script)) {
      const opener = pairs[token];
      if (opener !== undefined) expect(open.pop()).toBe(opener);
      else if (token !== "'" && token !== '"') open.push(token);
    }
    expect(open).toEqual([]);
  });

  test("is ASCII, which PowerShell 5.1 reads rightly in every country", () => {
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test("knows commands, subcommands, options and values, each with a description", () => {
    const { steps, places, values } = words();
    const place = (path: string) => places.find((each) => each.path === path);
    const names = (path: string) => place(path)?.words.map(({ word }) => word);
    expect(names("")).toContain("host");
    expect(names("host")).toContain("install-service");
    expect(names("completion")).toEqual(["bash", "zsh", "fish", "powershell"]);
    expect(steps).toContain("gateway host-keys rotate");
    expect(place("token create")?.options.map(({ word }) => word)).toContain("--scope");
    expect(values["token create:--scope"]?.map(({ word }) => word)).toContain("account");
    expect(values["host:--token-file"]).toEqual([]);
    const all = places.flatMap((each) => [...each.words, ...each.options]);
    expect(all.filter(({ text }) => text.trim() === "")).toEqual([]);
  });

  test("never offers an option that is refused", () => {
    const { places } = words();
    const install = places.find(({ path }) => path === "host install-service");
    expect(install?.options.map(({ word }) => word)).not.toContain("--token");
  });
});
