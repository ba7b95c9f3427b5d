// Completion scripts for bash, zsh, fish and PowerShell. They hold all words, so that a key press starts no program.

import type { CommandDefinition, ValueType } from "../../../protocol/command/definition.ts";
import { powershell } from "./powershell.ts";
import { type OptionWord, type Place, places, steps } from "./words.ts";

type Shell = "bash" | "zsh" | "fish" | "powershell";

/** Under which each shell looks for the completion of `sallyport`. */
export function completionFile(shell: Shell): string {
  return { bash: "sallyport", zsh: "_sallyport", fish: "sallyport.fish", powershell: "sallyport.ps1" }[shell];
}

export function completionScript(shell: Shell, definitions: readonly CommandDefinition[]): string {
  const all = places(definitions);
  return { bash, zsh, fish, powershell }[shell](all);
}

type Completion = ValueType<unknown>["completion"];

function bash(all: readonly Place[]): string {
  const values = valueCases(all, ({ completion }) => bashWords(completion));
  const words = all.map(({ path, subcommands, options, operand }) => {
    const names = subcommands.map(({ name }) => name);
    const fixed = Array.isArray(operand) ? [...names, ...operand] : names;
    const files = operand === "files" || operand === "directories" ? bashWords(operand) : ":";
    const flags = options.map(({ name }) => `--${name}`).join(" ");
    return `    ${quote(path)}) words=${quote(fixed.join(" "))} options=${quote(flags)}; [[ $cur == -* ]] || ${files} ;;`;
  });
  return `# bash completion for sallyport. Made by: sallyport completion bash
_sallyport() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at="" word words="" options="" i
  COMPREPLY=()
  # An = is a word of its own to bash.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == "--" ]] && return
    case "\${at:+$at }$word" in
      ${steps(all).map(quote).join("|")}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at:$prev" in
${values.join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  if [[ $cur == -* ]]; then words=$options; fi
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -F _sallyport sallyport
`;
}

function bashWords(completion: Completion): string {
  const reply = (generator: string) =>
    `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(${generator} -- "$cur")`;
  if (completion === "files") return reply("compgen -f");
  if (completion === "directories") return reply("compgen -d");
  if (completion === undefined) return ":";
  return `COMPREPLY=($(compgen -W ${quote(completion.join(" "))} -- "$cur"))`;
}

function zsh(all: readonly Place[]): string {
  const values = valueCases(all, zshWords);
  const words = all.map(({ path, subcommands, options, operand }) => {
    const described = (entries: readonly (readonly [string, string])[]) =>
      entries.map(([name, text]) => quote(`${name.replaceAll(":", "\\:")}:${text}`)).join(" ");
    const names = described(subcommands.map(({ name, summary }) => [name, summary]));
    const flags = described(options.map(({ name, description }) => [`--${name}`, description]));
    const more = operand === undefined ? ":" : zshWords({ hint: "", completion: operand });
    return `    ${quote(path)}) commands=(${names}); options=(${flags}); [[ $PREFIX == -* ]] || ${more} ;;`;
  });
  return `#compdef sallyport
# zsh completion for sallyport. Made by: sallyport completion zsh
_sallyport() {
  local at="" word prev=$words[CURRENT-1]
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == "--" ]] && { _files; return }
    case "\${at:+$at }$word" in
      ${steps(all).map(zshPattern).join("|")}) at="\${at:+$at }$word" ;;
    esac
  done
  if [[ $PREFIX == --*=* ]]; then
    prev=\${PREFIX%%=*}
    compset -P '*='
  fi
  case "$at:$prev" in
${values.join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  if [[ $PREFIX == -* ]]; then _describe -o option options
  elif (( $#commands )); then _describe command commands
  fi
}
if [[ $funcstack[1] == _sallyport ]]; then _sallyport "$@"; else compdef _sallyport sallyport; fi
`;
}

function zshPattern(text: string): string {
  return quote(text);
}

function zshWords({ hint, completion }: Pick<ValueType<unknown>, "hint" | "completion">): string {
  if (completion === "files") return "_files";
  if (completion === "directories") return "_files -/";
  if (completion === undefined) return `_message ${quote(hint)}`;
  return `compadd -- ${completion.map(quote).join(" ")}`;
}

function fish(all: readonly Place[]): string {
  const lines = all.flatMap(({ path, subcommands, options, operand }) => {
    const at = `-n ${fishQuote(`__sallyport_at ${fishQuote(path)}`)}`;
    return [
      ...subcommands.map(
        ({ name, summary }) => `complete -c sallyport ${at} -a ${name} -d ${fishQuote(summary)}`,
      ),
      ...options.map((option) => `complete -c sallyport ${at} ${fishOption(option)}`),
      ...(operand === undefined ? [] : [`complete -c sallyport ${at} ${fishWords(operand)}`]),
    ];
  });
  return `# fish completion for sallyport. Made by: sallyport completion fish
function __sallyport_at --description 'Whether the command line has come to this command'
    set -l at
    for word in (commandline -opc)[2..-1]
        test "$word" = --; and return 1
        set -l next (string join ' ' -- $at $word)
        contains -- "$next" ${steps(all).map(fishQuote).join(" ")}; and set at $at $word
    end
    test "$argv[1]" = (string join ' ' -- $at | string collect --allow-empty)
end
complete -c sallyport -f
${lines.join("\n")}
`;
}

function fishOption({ name, short, description, value }: OptionWord): string {
  const names = short === undefined ? `-l ${name}` : `-l ${name} -s ${short}`;
  const takes =
    value === undefined ? "" : value.completion === "files" ? " -r -F" : ` -x ${fishWords(value.completion)}`;
  return `${names}${takes.trimEnd() === "" ? "" : takes.trimEnd()} -d ${fishQuote(description)}`;
}

function fishWords(completion: Completion): string {
  if (completion === "files") return "-F";
  if (completion === "directories") return "-a '(__fish_complete_directories)'";
  return completion === undefined ? "" : `-a ${fishQuote(completion.join(" "))}`;
}

/** Branches of `case "$at:$prev"`: what to offer behind an option that takes a value. */
function valueCases(all: readonly Place[], offer: (type: ValueType<unknown>) => string): readonly string[] {
  const patterns = new Map<string, string[]>();
  for (const { path, options } of all) {
    for (const { name, short, value } of options) {
      if (value === undefined) continue;
      const action = offer(value);
      const words = short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
      const same = patterns.get(action) ?? [];
      patterns.set(action, same);
      same.push(...words.map((word) => quote(`${path}:${word}`)));
    }
  }
  return [...patterns].map(([action, same]) => `    ${same.join("|")}) ${action}; return ;;`);
}

/** As bash and zsh take it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
