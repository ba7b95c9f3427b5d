// What ssh makes of all configuration files together for one alias (`ssh -G`), compared with what its block says: the only
// judge of whether something in the person's own file stands in the way.

import { CommandError } from "../../../platform/command-error.ts";
import { askSsh, type SshSettings } from "../../ssh-command/ask-ssh.ts";
import type { Setting } from "../host-block.ts";
import { COUNTERS } from "./settings-treatment.ts";

export interface SshProgram {
  /** `ssh`, or the path of another one. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Given with `-F`; undefined: ssh reads its default files. */
  readonly configFile: string | undefined;
  /** What `~` stands for. */
  readonly home: string;
  readonly timeoutMs?: number;
}

export interface Expectation {
  readonly alias: string;
  readonly settings: readonly Setting[];
}

/** One way in which ssh would not do what the block says. */
export interface Difference {
  readonly alias: string;
  /** A keyword in lower case; `ssh -G` where ssh did not read the configuration at all. */
  readonly setting: string;
  readonly wanted: string;
  /** Empty: nothing. */
  readonly got: string;
}

/** ssh offers all of these, ours first: what the person's file adds does no harm behind. */
const ACCUMULATING: ReadonlySet<string> = new Set(["identityfile", "certificatefile"]);
/** Where the two exclude each other, ssh keeps the one that it reads first. */
const EXCLUSIVE: Readonly<Record<string, string>> = { proxyjump: "proxycommand", proxycommand: "proxyjump" };

/** Empty: ssh does what the block says. @throws CommandError stage `ssh`: there is no ssh to ask */
export async function verifyAlias({ alias, settings }: Expectation, ssh: SshProgram): Promise<Difference[]> {
  const { configFile } = ssh;
  const args = [...(configFile === undefined ? [] : ["-F", configFile]), "--", alias];
  const answer = await effectiveSettings(args, ssh);
  if ("problem" in answer) return [forksAway(alias, answer.problem)];
  return compareSettings({ alias, settings }, answer.settings, ssh.home);
}

/**
 * The keywords of COUNTERS that the person's configuration makes necessary on a command line of ssh, which `argumentsWith` makes
 * with some of them. Where ssh does not say, it is left to fail with its own words.
 * @throws CommandError stage `ssh`: there is no ssh to ask
 */
export async function countersNeeded(
  argumentsWith: (counters: readonly string[]) => readonly string[],
  ssh: Pick<SshProgram, "program" | "env">,
): Promise<string[]> {
  let counters: string[] = [];
  for (;;) {
    const answer = await effectiveSettings(argumentsWith(counters), ssh);
    const differences =
      "problem" in answer ? [forksAway("", answer.problem)] : uncountered("", answer.settings);
    const found = counterKeywords(differences.map(({ setting }) => setting));
    if (found.every((keyword) => counters.includes(keyword))) return counters;
    counters = [...new Set([...counters, ...found])];
  }
}

/** ssh refuses to say anything without a command where it is to go into the background. */
function forksAway(alias: string, problem: string): Difference {
  return /fork into background/i.test(problem)
    ? { alias, setting: "forkafterauthentication", wanted: "no", got: "yes" }
    : { alias, setting: "ssh -G", wanted: "", got: problem };
}

/** Pure. `effective` is what `ssh -G` printed, by keyword in lower case. */
export function compareSettings(
  { alias, settings }: Expectation,
  effective: SshSettings,
  home: string,
): Difference[] {
  const differences: Difference[] = [];
  const wanted = new Map<string, string[]>();
  for (const { keyword, value, form } of settings) {
    const key = keyword.toLowerCase();
    wanted.set(key, [...(wanted.get(key) ?? []), form === "command" ? value : comparable(value, home)]);
  }
  for (const [setting, values] of wanted) {
    const all = (effective.get(setting) ?? []).map((value) =>
      setting === "proxycommand" ? value : comparable(value, home),
    );
    const got = ACCUMULATING.has(setting) ? all.slice(0, values.length) : all;
    if (!same(setting, values, got))
      differences.push({ alias, setting, wanted: values.join(" "), got: got.join(" ") });
    const other = EXCLUSIVE[setting];
    const intruder = other === undefined ? undefined : effective.get(other);
    if (other !== undefined && intruder !== undefined) {
      differences.push({ alias, setting: other, wanted: "", got: intruder.join(" ") });
    }
  }
  return [...differences, ...uncountered(alias, effective)];
}

/** Those of `settings` that blocks can answer, as they are written in a file; `settings` are in lower case. */
export function counterKeywords(settings: readonly string[]): string[] {
  return Object.keys(COUNTERS).filter((keyword) => settings.includes(keyword.toLowerCase()));
}

/** What an ssh does not know, it does not mention. */
function uncountered(alias: string, effective: SshSettings): Difference[] {
  return Object.entries(COUNTERS).flatMap(([keyword, wanted]) => {
    const setting = keyword.toLowerCase();
    const got = effective.get(setting)?.join(" ");
    return got === undefined || same(setting, [wanted], [got]) ? [] : [{ alias, setting, wanted, got }];
  });
}

function same(setting: string, wanted: readonly string[], got: readonly string[]): boolean {
  const [left, right] = [wanted.join("\n"), got.join("\n")];
  if (left === right) return true;
  // Host names are lower case to ssh; yes is true to it; and what is switched off it does not mention.
  if (setting === "hostname" || setting === "hostkeyalias") return left.toLowerCase() === right.toLowerCase();
  if (left === "yes" || left === "no") return right === (left === "yes" ? "true" : "false");
  return setting === "controlpath" && left === "none" && right === "";
}

function comparable(value: string, home: string): string {
  const inHome = value.replace(/^~(?=\/)/, () =>
    /^[A-Za-z]:/.test(home) ? home.replaceAll("\\", "/") : home,
  );
  return inHome.replaceAll("%%", "%");
}

type Answer = { readonly settings: SshSettings } | { readonly problem: string };

async function effectiveSettings(
  args: readonly string[],
  { program, env, timeoutMs }: Pick<SshProgram, "program" | "env" | "timeoutMs">,
): Promise<Answer> {
  const answer = await askSsh(args, { program, env, timeoutMs });
  switch (answer.kind) {
    case "settings":
      return { settings: answer.settings };
    case "timeout":
      return { problem: `${program} did not answer within ${answer.seconds} s.` };
    case "failed":
      return { problem: answer.said.slice(0, 1000) };
    case "no-ssh": {
      const message = `There is no ${program}: install OpenSSH's client, or name one by SALLYPORT_SSH.`;
      throw new CommandError("ssh", "ENOENT", message, { cause: answer.cause });
    }
  }
}
