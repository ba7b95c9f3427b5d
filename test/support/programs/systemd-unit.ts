// Reads units as systemd does (systemd.syntax(7), systemd.service(5), systemd.unit(5)), so that tests can start what a unit says.

export interface ReadUnit {
  values(key: string): readonly string[];
  /** ExecStart after quotes, specifiers and variables. */
  command(env: Readonly<Record<string, string>>): readonly string[];
}

export function readUnit(text: string): ReadUnit {
  const lines = text.split("\n").filter((line) => /^[A-Za-z]+=/.test(line));
  const values = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  return {
    values,
    command(env) {
      const [path = "", ...args] = unitWords(values("ExecStart")[0] ?? "");
      return [path, ...args.map((word) => expanded(word, env))];
    },
  };
}

/** Words with their quotes and specifiers taken away; a double % is one. */
export function unitWords(value: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? "";
    if (character === "\\") {
      word = `${word ?? ""}${value[++at] ?? ""}`;
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if ((character === '"' || character === "'") && word === undefined) {
      quote = character;
      word = "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") throw new Error(`a quote is not closed: ${value}`);
  if (word !== undefined) words.push(word);
  return words.map((each) => each.replace(/%(.)/g, specifier));
}

function specifier(all: string, letter: string): string {
  if (letter !== "%") throw new Error(`${all} is a specifier`);
  return "%";
}

function expanded(word: string, env: Readonly<Record<string, string>>): string {
  return word.replace(/\$(\$|\{\w+\}|\w+)/g, (_, name: string) =>
    name === "$" ? "$" : (env[name.replace(/[{}]/g, "")] ?? ""),
  );
}
