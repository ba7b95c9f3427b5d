// What ssh makes of all configuration files together for one alias (`ssh -G`), compared with what its block says: the only
// judge of whether something in the person's own file stands in the way.

import { execFile } from "node:child_process";
import { CommandError } from "../../command.ts";
import type { Setting } from "./block.ts";

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

/** `ssh -G` evaluates every `Match exec` of the person's file, which may ask a network. */
const TIMEOUT_MS = 5_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** ssh offers all of these, ours first: what the person's file adds does no harm behind. */
const ACCUMULATING: ReadonlySet<string> = new Set(["identityfile", "certificatefile"]);
/** Where the two exclude each other, ssh keeps the one that it reads first. */
const EXCLUSIVE: Readonly<Record<string, string>> = { proxyjump: "proxycommand", proxycommand: "proxyjump" };

/** Empty: ssh does what the block says. @throws CommandError stage `ssh`: there is no ssh to ask */
export async function verifyAlias({ alias, settings }: Expectation, ssh: SshProgram): Promise<Difference[]> {
  const answer = await askSsh(alias, ssh);
  if ("problem" in answer) return [{ alias, setting: "ssh -G", wanted: "", got: answer.problem }];
  return compareSettings({ alias, settings }, answer.settings, ssh.home);
}

/** Pure. `effective` is what `ssh -G` printed, by keyword in lower case. */
export function compareSettings(
  { alias, settings }: Expectation,
  effective: ReadonlyMap<string, readonly string[]>,
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
  return differences;
}

/** Pure. Keywords in lower case, each with its values in order. */
export function parseEffectiveSettings(output: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const line of output.split(/\r?\n/)) {
    const found = /^(\w+) (.*)$/.exec(line);
    if (found === null) continue;
    const key = (found[1] ?? "").toLowerCase();
    settings.set(key, [...(settings.get(key) ?? []), found[2] ?? ""]);
  }
  return settings;
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

type Answer = { readonly settings: Map<string, string[]> } | { readonly problem: string };

function askSsh(alias: string, ssh: SshProgram): Promise<Answer> {
  const { program, configFile, timeoutMs = TIMEOUT_MS } = ssh;
  const args = ["-G", ...(configFile === undefined ? [] : ["-F", configFile]), "--", alias];
  const options = {
    env: { ...ssh.env },
    timeout: timeoutMs,
    maxBuffer: MAX_OUTPUT_BYTES,
    killSignal: "SIGKILL",
    windowsHide: true,
  } as const;
  return new Promise((done, fail) => {
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) done({ settings: parseEffectiveSettings(stdout) });
      else if (error.code === "ENOENT") {
        const message = `There is no ${program}: install OpenSSH's client, or name one by SALLYPORT_SSH.`;
        fail(new CommandError("ssh", "ENOENT", message, { cause: error }));
      } else if (error.killed === true)
        done({ problem: `${program} did not answer within ${timeoutMs / 1000} s.` });
      else done({ problem: stderr.trim().slice(0, 1000) || error.message });
    });
    // A `Match exec` must not wait for somebody to type.
    child.stdin?.end();
  });
}
