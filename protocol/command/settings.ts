// Which value each option of a command has, and where it comes from: the command line, then the environment, then the
// configuration file, then its default.

import type { GivenArguments } from "./arguments.ts";
import { type CommandContext, type ConfigFile, ConfigFileError, UsageError } from "./command.ts";
import type { CommandDefinition, Exclusive, OptionDefinition } from "./definition.ts";

/** The strongest first. */
export type Source = "command line" | "environment" | "configuration file" | "default";

/** One option's value before it is read. `texts` of an option without a value: `true` or `false`. */
export interface Setting {
  readonly source: Source;
  readonly texts: readonly string[];
  /** For messages: `--gateway`, `SALLYPORT_GATEWAY`, `options.gateway in /home/ada/.config/sallyport/config.json`. */
  readonly from: string;
}

export type Settings = ReadonlyMap<string, Setting>;

type Sources = Pick<CommandContext, "env" | "config">;

/**
 * Options that are set nowhere are left out.
 * @throws UsageError, ConfigFileError
 */
export function settingsOf(
  definition: CommandDefinition,
  given: GivenArguments["options"],
  sources: Sources,
): Settings {
  const settings = new Map<string, Setting>();
  const entries = Object.entries(definition.options);
  // Not for a command that takes nothing from the file: a wrong file must not keep anybody from help.
  const configured = entries.some(([, option]) => option.config)
    ? configuredBy(definition, sources.config)
    : undefined;
  for (const [name, option] of entries) {
    const setting =
      fromArguments(name, option, given) ??
      fromVariable(option, sources.env) ??
      fromConfig(name, option, configured) ??
      fromDefault(name, option);
    if (setting !== undefined) settings.set(name, setting);
  }
  for (const exclusive of definition.exclusive ?? []) keepStrongest(settings, exclusive, sources.env);
  return settings;
}

/** The environment with what options of the command line and the configuration file say of it (`exported`). */
export function exportedEnvironment(
  definition: CommandDefinition,
  settings: Settings,
  env: CommandContext["env"],
): CommandContext["env"] {
  const set: Record<string, string> = {};
  for (const [name, { source, texts }] of settings) {
    const option = definition.options[name];
    if (option?.exported !== true || option.variable === undefined) continue;
    if (source === "command line" || source === "configuration file") set[option.variable] = texts[0] ?? "";
  }
  if (Object.keys(set).length === 0) return env;
  const hidden = (definition.exclusive ?? []).flatMap((exclusive) => {
    const variables = variablesOf(definition, exclusive);
    return variables.some((variable) => variable in set) ? variables : [];
  });
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.includes(name))), ...set };
}

/** What the configuration file says for one command. @throws ConfigFileError a key that the command does not have */
function configuredBy(
  { name, options }: CommandDefinition,
  config: ConfigFile | undefined,
): ReadonlyMap<string, { readonly value: unknown; readonly key: string }> {
  const found = new Map<string, { value: unknown; key: string }>();
  if (config === undefined) return found;
  for (const [option, value] of Object.entries(config.options)) {
    if (options[option]?.config) found.set(option, { value, key: `options.${option} in ${config.path}` });
  }
  const own = Object.hasOwn(config.commands, name) ? config.commands[name] : undefined;
  for (const [option, value] of Object.entries(own ?? {})) {
    const key = `commands.${name}.${option} in ${config.path}`;
    if (!Object.hasOwn(options, option)) {
      throw new ConfigFileError(`${key}: \`sallyport ${name}\` has no option --${option}.`);
    }
    if (!options[option]?.config) throw new ConfigFileError(`${key}: --${option} cannot be set there.`);
    found.set(option, { value, key });
  }
  return found;
}

function fromArguments(
  name: string,
  option: OptionDefinition,
  given: GivenArguments["options"],
): Setting | undefined {
  const values = given.filter((one) => one.name === name).map(({ value }) => value);
  const last = values.at(-1);
  if (last === undefined) return undefined;
  if (option.once && values.length > 1) throw new UsageError(`--${name} is given twice.`);
  if (last === true) return { source: "command line", texts: ["true"], from: `--${name}` };
  const texts = values.map(String).slice(option.repeated === undefined ? -1 : 0);
  const isList = option.repeated === "separated" || option.repeated === "commas";
  for (const text of texts) {
    // An empty list would be none at all, where somebody meant to restrict something.
    if ((option.once || isList) && text.trim() === "") throw new UsageError(`--${name} needs a value.`);
    const problem = option.secretProblem?.(text);
    if (problem !== undefined) throw new UsageError(problem);
  }
  return { source: "command line", texts: splitUp(texts, option), from: `--${name}` };
}

function fromVariable(
  { variable, ...option }: OptionDefinition,
  env: CommandContext["env"],
): Setting | undefined {
  const text = variable === undefined ? undefined : env[variable];
  if (variable === undefined || text === undefined || text === "") return undefined;
  // The readers of exported variables take a blank one as not set, so it must not hide the file here.
  if (option.exported && text.trim() === "") return undefined;
  const texts = option.type === undefined ? [String(truthOf(variable, text))] : splitUp([text], option);
  return { source: "environment", texts, from: variable };
}

function fromConfig(
  name: string,
  option: OptionDefinition,
  configured: ReturnType<typeof configuredBy> | undefined,
): Setting | undefined {
  const found = configured?.get(name);
  if (found === undefined) return undefined;
  const { value, key } = found;
  const source = "configuration file";
  if (option.type === undefined) {
    if (typeof value !== "boolean") throw new ConfigFileError(`${key}: write true or false.`);
    return { source, texts: [String(value)], from: key };
  }
  const list = Array.isArray(value) && option.repeated !== undefined ? value : [value];
  const texts = list.map((one: unknown) => {
    if (typeof one === "string" || typeof one === "number") return String(one);
    const wanted = option.repeated === undefined ? "a text" : "a list of texts";
    throw new ConfigFileError(`${key}: write ${wanted}.`);
  });
  for (const text of texts) {
    const problem = option.secretProblem?.(text);
    if (problem !== undefined) throw new ConfigFileError(`${key}: ${problem}`);
  }
  return { source, texts: splitUp(texts, option), from: key };
}

function fromDefault(name: string, option: OptionDefinition): Setting | undefined {
  if (option.default === undefined) return undefined;
  return { source: "default", texts: splitUp([option.default], option), from: `--${name}` };
}

function splitUp(
  texts: readonly string[],
  { repeated }: Pick<OptionDefinition, "repeated">,
): readonly string[] {
  if (repeated === undefined || repeated === "each") return texts;
  const separator = repeated === "commas" ? /\s*,\s*/ : /[\s,]+/;
  return texts.flatMap((text) => text.trim().split(separator)).filter((text) => text !== "");
}

/** @throws UsageError */
function truthOf(variable: string, text: string): boolean {
  if (/^(0|false|no)$/i.test(text)) return false;
  if (/^(1|true|yes)$/i.test(text)) return true;
  throw new UsageError(`${variable} must be 1 or 0, not ${JSON.stringify(text)}.`);
}

const STRENGTH: readonly Source[] = ["command line", "environment", "configuration file"];

/** @throws UsageError several on the command line; ConfigFileError several in the configuration file */
function keepStrongest(
  settings: Map<string, Setting>,
  { options, variables = [] }: Exclusive,
  env: CommandContext["env"],
): void {
  const isSet = (name: string) => {
    const setting = settings.get(name);
    return setting !== undefined && (setting.texts[0] !== "false" || setting.source === "command line");
  };
  const set = options.filter(isSet);
  const strongest = STRENGTH.find(
    (source) =>
      set.some((name) => settings.get(name)?.source === source) ||
      (source === "environment" && variables.some((name) => (env[name] ?? "").trim() !== "")),
  );
  const chosen = set.filter((name) => settings.get(name)?.source === strongest);
  if (chosen.length > 1 && strongest !== "environment") {
    const names = chosen.map((name) => `--${name}`);
    const message = `${names.slice(0, -1).join(", ")} and ${names.at(-1)} exclude each other.`;
    if (strongest === "command line") throw new UsageError(message);
    throw new ConfigFileError(`${settings.get(chosen[0] ?? "")?.from}: ${message}`);
  }
  for (const name of set) if (!chosen.includes(name)) settings.delete(name);
}

function variablesOf({ options }: CommandDefinition, exclusive: Exclusive): readonly string[] {
  const own = exclusive.options.flatMap((name) => options[name]?.variable ?? []);
  return [...own, ...(exclusive.variables ?? [])];
}
