// Compares what ssh makes of all configuration files together for one alias (`ssh -G`) with the alias's block: only ssh can tell
// whether something in the person's own file overrides the block.

import { CommandError } from "../../../platform/command-error.ts";
import { systemCode } from "../../../platform/files/private-file.ts";
import { askSsh, type SshSettings } from "../../ssh-command/ask-ssh.ts";
import type { Setting } from "../host-block.ts";
import { COUNTERS } from "./settings-treatment.ts";

export interface SshProgram {
  /** `ssh`, or a path. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Passed with `-F`; undefined: ssh reads its default files. */
  readonly configFile: string | undefined;
  /** The value of `~`. */
  readonly home: string;
  readonly timeoutMs?: number;
}

export interface Expectation {
  readonly alias: string;
  readonly settings: readonly Setting[];
}

/** A setting for which ssh would not do what the block says. */
export interface Difference {
  readonly alias: string;
  /** A keyword in lower case; `ssh -G` where ssh did not read the configuration at all. */
  readonly setting: string;
  readonly wanted: string;
  /** Empty: nothing. */
  readonly got: string;
}

/** ssh offers all of these, ours first: those that the person's file adds do no harm. */
const ACCUMULATING: ReadonlySet<string> = new Set(["identityfile", "certificatefile"]);
/** These exclude each other: ssh keeps the one that it reads first. */
const EXCLUSIVE: Readonly<Record<string, string>> = { proxyjump: "proxycommand", proxycommand: "proxyjump" };

/** Empty if ssh does what the block says. @throws CommandError stage `ssh`: there is no ssh, or it cannot be run */
export async function verifyAlias({ alias, settings }: Expectation, ssh: SshProgram): Promise<Difference[]> {
  const { configFile } = ssh;
  const args = [...(configFile === undefined ? [] : ["-F", configFile]), "--", alias];
  const answer = await effectiveSettings(args, ssh);
  if ("problem" in answer) return [forksAway(alias, answer.problem)];
  return compareSettings({ alias, settings }, answer.settings, ssh.home);
}

/**
 * The keywords of COUNTERS that a command line of ssh needs because of the person's configuration. If ssh does not answer, the
 * real run will fail with ssh's own message.
 * @param argumentsWith makes the command line with some counters
 * @throws CommandError stage `ssh`: there is no ssh, or it cannot be run
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

/** With ForkAfterAuthentication, `ssh -G` without a command fails. */
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

/** The keywords of COUNTERS among `settings`, as written in a file. @param settings in lower case */
export function counterKeywords(settings: readonly string[]): string[] {
  return Object.keys(COUNTERS).filter((keyword) => settings.includes(keyword.toLowerCase()));
}

/** An ssh does not print settings that it does not know, so they are not compared. */
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
  // ssh prints host names in lower case and yes as true, and omits a ControlPath of none.
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
      const code = systemCode(answer.cause);
      const message =
        code === "ENOENT"
          ? `There is no ${program}: install OpenSSH's client, or name one by SALLYPORT_SSH.`
          : `${program} cannot be run (${code}).`;
      throw new CommandError("ssh", code, message, { cause: answer.cause });
    }
  }
}
