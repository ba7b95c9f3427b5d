// The completion script for PowerShell, 5.1 and 7. The words are JSON in a quoted text, since that is data to every version of it.

import type { ValueType } from "../../../protocol/command/definition.ts";
import { type Place, steps } from "./words.ts";

/** What may be offered, and what it is. */
interface Offer {
  readonly word: string;
  readonly text: string;
}

/** What the script knows. */
export interface PowershellWords {
  readonly steps: readonly string[];
  readonly places: readonly {
    readonly path: string;
    readonly words: readonly Offer[];
    readonly options: readonly Offer[];
  }[];
  /** By place and option (`token create:--scope`): its values. Empty: PowerShell offers files. */
  readonly values: Readonly<Record<string, readonly Offer[]>>;
}

export function powershell(all: readonly Place[]): string {
  return `# PowerShell completion for sallyport. Made by: sallyport completion powershell
Register-ArgumentCompleter -Native -CommandName sallyport -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $known = ConvertFrom-Json ${quote(asciiJson(powershellWords(all)))}
    $at = ''
    $previous = ''
    $before = $commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition }
    foreach ($element in $before) {
        $word = $element.Extent.Text
        if ($word -ceq '--') { return }
        $next = "$at $word".Trim()
        if ($known.steps -ccontains $next) { $at = $next }
        $previous = $word
    }
    $typed = $wordToComplete
    $prefix = ''
    if ($typed -cmatch '^(--[a-z-]+)=(.*)$') {
        $previous = $Matches[1]
        $typed = $Matches[2]
        $prefix = "$previous="
    }
    $place = $known.places | Where-Object { $_.path -ceq $at }
    $values = $known.values.PSObject.Properties["\${at}:$previous"]
    if ($null -ne $values) { $offers = $values.Value }
    elseif ($typed.StartsWith('-')) { $offers = $place.options }
    else { $offers = $place.words }
    foreach ($offer in $offers) {
        if ($offer.word.StartsWith($typed, [StringComparison]::Ordinal)) {
            [System.Management.Automation.CompletionResult]::new($prefix + $offer.word, $offer.word, 'ParameterValue', $offer.text)
        }
    }
}
`;
}

function powershellWords(all: readonly Place[]): PowershellWords {
  return {
    steps: steps(all),
    places: all.map(({ path, subcommands, options, operand }) => ({
      path,
      words: [...subcommands.map(({ name, summary }) => offer(name, summary)), ...values(operand)],
      options: options.map(({ name, description }) => offer(`--${name}`, description)),
    })),
    values: Object.fromEntries(
      all.flatMap(({ path, options }) =>
        options.flatMap(({ name, short, value }) => {
          if (value === undefined) return [];
          const names = short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
          return names.map((each) => [`${path}:${each}`, values(value.completion)]);
        }),
      ),
    ),
  };
}

/** Where it returns nothing, PowerShell itself offers files and directories. */
function values(completion: ValueType<unknown>["completion"]): readonly Offer[] {
  return typeof completion === "object" ? completion.map((word) => offer(word, word)) : [];
}

/** PowerShell takes no empty description. */
function offer(word: string, text: string): Offer {
  return { word, text: text === "" ? word : text };
}

/** PowerShell 5.1 reads a script in the machine's old code page. */
function asciiJson(value: PowershellWords): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Only ASCII quotes are left in the text: the curly ones, which PowerShell takes for quotes too, are escaped by then. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
