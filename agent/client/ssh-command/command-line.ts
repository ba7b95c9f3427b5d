// The command line of `sallyport ssh`: splits the person's arguments, and builds the argument list for the system's ssh. Pure.

import { COUNTERS } from "../ssh-config/person/settings-treatment.ts";
import { optionPath, proxyCommand } from "./quote.ts";

/**
 * The short options of ssh that take a value (getopt string of OpenSSH 9.9, ssh.c).
 */
const WITH_VALUE = new Set("BbcDEeFIiJLlmOoPpQRSWw");
const ALONE = new Set("1246AaCfGgKkMNnqsTtVvXxYy");

/** The only counter whose setting could make ssh trust a different host key. */
const VOUCHING = "KnownHostsCommand";

export interface SshInvocation {
  /** The name that ssh connects to, under which the host keys are pinned as well. */
  readonly alias: string;
  readonly knownHosts: string;
  /** The program that carries the connection, with its arguments. */
  readonly proxy: readonly string[];
  /** The person's own options, such as `-L 8080:localhost:80`. */
  readonly options: readonly string[];
  /** Empty: a shell. */
  readonly command: readonly string[];
  /** Keywords of COUNTERS that the person's configuration makes necessary. */
  readonly counters?: readonly string[];
  readonly platform: NodeJS.Platform;
}

/**
 * ssh takes the first value of an option (ssh_config(5)): options that keep the connection safe come before the person's
 * options, defaults that they may override come after them. Their configuration file comes last.
 */
export function sshArguments(invocation: SshInvocation): string[] {
  const { alias, knownHosts, proxy, options, command, platform, counters = [] } = invocation;
  const counter = (keyword: string) => set(keyword, COUNTERS[keyword] ?? "");
  return [
    ...set("ProxyCommand", proxyCommand(proxy, platform)),
    ...set("ProxyUseFdpass", "no"),
    ...set("HostKeyAlias", alias),
    ...set("UserKnownHostsFile", optionPath(knownHosts, platform)),
    // Not "none", which an ssh before 8.5 takes for the name of a file in the current directory.
    ...set("GlobalKnownHostsFile", optionPath(knownHosts, platform, "no-tokens")),
    ...set("StrictHostKeyChecking", "yes"),
    ...set("VerifyHostKeyDNS", "no"),
    ...set("UpdateHostKeys", "no"),
    ...set("CanonicalizeHostname", "no"),
    ...set("CheckHostIP", "no"),
    ...set("NoHostAuthenticationForLocalhost", "no"),
    ...set("ControlPath", "none"),
    ...counters.filter((keyword) => keyword === VOUCHING).flatMap(counter),
    ...options,
    // Together longer than the 300 s within which a tunnel may resume.
    ...set("ServerAliveInterval", "30"),
    ...set("ServerAliveCountMax", "12"),
    ...set("PubkeyAuthentication", "yes"),
    ...set("PreferredAuthentications", "publickey"),
    ...set("RequestTTY", "auto"),
    ...set("Tunnel", "no"),
    ...counters.filter((keyword) => keyword !== VOUCHING).flatMap(counter),
    "--",
    alias,
    ...command,
  ];
}

function set(option: string, value: string): string[] {
  return ["-o", `${option}=${value}`];
}

/** The long options of `sallyport ssh`, and whether each takes a value. */
export const SALLYPORT_SSH_OPTIONS = {
  gateway: true,
  "host-key": true,
  "known-hosts": true,
  print: false,
  help: false,
  proxy: true,
  pac: true,
  ca: true,
  "client-cert": true,
  "client-key": true,
} as const;

/** The arguments of `sallyport ssh`, sorted. */
interface SshRequest {
  /** Our own long options, such as `--print`: their values by name. */
  readonly own: ReadonlyMap<string, string | true>;
  readonly workspace: string | undefined;
  readonly options: readonly string[];
  readonly command: readonly string[];
}

export type SplitResult = SshRequest | { readonly problem: string };

/**
 * Reads the arguments as ssh does: options before and after the workspace, then a command, with or without `--` before it.
 * @param ownOptions our own long options, and whether each takes a value
 */
export function splitSshArguments(
  args: readonly string[],
  ownOptions: Readonly<Record<string, boolean>>,
): SplitResult {
  const own = new Map<string, string | true>();
  const options: string[] = [];
  let workspace: string | undefined;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      const rest = args.slice(index + 1);
      if (workspace !== undefined) return { own, workspace, options, command: rest };
      return { own, workspace: rest[0], options, command: rest.slice(1) };
    }
    if (arg.startsWith("--")) {
      const { name, value } = splitLong(arg);
      const takesValue = Object.hasOwn(ownOptions, name) ? ownOptions[name] : undefined;
      if (takesValue === undefined) return { problem: `Unknown option: --${name}.` };
      if (!takesValue && value !== undefined) return { problem: `--${name} takes no value.` };
      if (!takesValue) own.set(name, true);
      else {
        const given = value ?? args[++index];
        if (given === undefined) return { problem: `--${name} needs a value.` };
        own.set(name, given);
      }
    } else if (arg.startsWith("-") && arg !== "-") {
      const kind = shortOptions(arg);
      if (kind === "unknown") return { problem: `ssh has no option ${arg}.` };
      options.push(arg);
      if (kind === "value-follows") {
        const value = args[++index];
        if (value === undefined) return { problem: `${arg} needs a value.` };
        options.push(value);
      }
    } else if (workspace === undefined) workspace = arg;
    else return { own, workspace, options, command: args.slice(index) };
  }
  return { own, workspace, options, command: [] };
}

/** A cluster such as `-tt`, `-NL`, `-p22` (getopt(3)): the first option with a value takes the rest, or the next argument. */
function shortOptions(arg: string): "complete" | "value-follows" | "unknown" {
  for (let index = 1; index < arg.length; index++) {
    const letter = arg[index] ?? "";
    if (WITH_VALUE.has(letter)) return index === arg.length - 1 ? "value-follows" : "complete";
    if (!ALONE.has(letter)) return "unknown";
  }
  return "complete";
}

/** The short options with a value, and their values. @param options from `splitSshArguments` */
export function optionValues(options: readonly string[]): [letter: string, value: string][] {
  const values: [string, string][] = [];
  for (let at = 0; at < options.length; at++) {
    const cluster = (options[at] ?? "").slice(1);
    const index = [...cluster].findIndex((letter) => WITH_VALUE.has(letter));
    if (index === -1) continue;
    const attached = cluster.slice(index + 1);
    values.push([cluster[index] ?? "", attached === "" ? (options[++at] ?? "") : attached]);
  }
  return values;
}

function splitLong(arg: string): { name: string; value: string | undefined } {
  const equals = arg.indexOf("=");
  if (equals === -1) return { name: arg.slice(2), value: undefined };
  return { name: arg.slice(2, equals), value: arg.slice(equals + 1) };
}
