// Turns the options of `install-service` into a service, and checks them as `sallyport host` would when it starts: what is wrong is
// said now, and not in a log.

import { isAbsolute, join, resolve } from "node:path";
import { splitArguments } from "../../../../../protocol/command/arguments.ts";
import { type CommandContext, UsageError } from "../../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../../protocol/command/definition.ts";
import { type Input, readInput } from "../../../../../protocol/command/run.ts";
import type { Setting } from "../../../../../protocol/command/settings.ts";
import { isPlainRemote, parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { exposedForRoot } from "../../../../client/upgrade/place.ts";
import type { ServiceManager } from "../../../../host/service/manager.ts";
import { refuseControlCharacters, type Service } from "../../../../host/service/service.ts";
import type { ServiceAccount } from "../../../../host/service/service-account.ts";
import type { ServiceMachine } from "../../../../host/service/service-machine.ts";
import { CommandError } from "../../../../platform/command-error.ts";
import { lastingPath, ownProgram } from "../../../../platform/executable.ts";
import { VARIABLE } from "../../../../platform/network/configured-network.ts";
import { stateDirectory } from "../../../../platform/paths.ts";
import { definition as hostDefinition } from "../definition.ts";
import { HOST_OPTIONS } from "../host-options.ts";
import { type HostOptions, hostOptions } from "../options.ts";
import { checkTokenFile, signInOfService } from "./service-token.ts";

type InstallInput = Input<(typeof hostDefinition)["subcommands"]["install-service"]>;

interface ServicePlan {
  readonly service: Service;
  /** As the host will have them. */
  readonly options: HostOptions;
  /** Sentences for the person. */
  readonly notes: readonly string[];
}

/** @throws UsageError, CommandError */
export async function planService(
  input: InstallInput,
  account: ServiceAccount,
  manager: ServiceManager,
  machine: ServiceMachine,
  context: CommandContext,
): Promise<ServicePlan> {
  const state = resolve(
    input.options.state ?? join(stateDirectory({ ...machine, ...account.paths }), "host"),
  );
  const proxyFile = proxyFileOf(input, machine.env);
  const given = input.options["token-file"];
  const tokenFile = given === undefined ? undefined : resolve(given);
  const [start, ...script] = ownProgram();
  const service: Service = {
    program: [lastingPath(start), ...script],
    args: ["host", ...hostArguments(input, account, machine.env), "--state", state],
    tokenFile,
    handsOverToken:
      tokenFile !== undefined &&
      checkTokenFile(tokenFile, account, manager.handsOverTokens) === "handed over",
    state,
    user: account.isSystem ? account.name : undefined,
    home: account.paths.home,
    env: {
      ...(proxyFile === undefined ? {} : { [VARIABLE.proxyFile]: proxyFile }),
      ...ownDirectories(account, machine.env),
    },
    logFile: manager.logFile,
  };
  refuseControlCharacters(service);
  const options = asHostReads(service, account, context);
  const notes = [...proxyNotes(input, proxyFile, machine.env), ...programNotes(service, account)];
  if (options.token.kind === "stored") {
    notes.push(...(await signInOfService(options, account, machine.env)));
  }
  return { service, options, notes };
}

/** The options that the service gets; those of the configuration file are left to it where the host reads the same one. */
function hostArguments(
  { settings }: InstallInput,
  { isSelf }: ServiceAccount,
  env: CommandContext["env"],
): readonly string[] {
  const words: string[] = [];
  for (const [name, setting] of settings) {
    if (!Object.hasOwn(HOST_OPTIONS, name) || name === "token-file" || name === "state") continue;
    if (setting.source === "default" || (setting.source === "configuration file" && isSelf)) continue;
    words.push(...optionWords(name, setting));
  }
  const gateway = settings.get("gateway")?.texts[0];
  const allowsPlainHttp = env.SALLYPORT_ALLOW_PLAIN_HTTP === "1" && !settings.has("allow-plain-http");
  if (allowsPlainHttp && gateway !== undefined && isPlainRemote(parseGatewayUrl(gateway))) {
    words.push("--allow-plain-http");
  }
  return words;
}

function optionWords(name: string, { texts, from }: Setting): readonly string[] {
  const table: CommandDefinition["options"] = HOST_OPTIONS;
  const option = table[name];
  if (option?.type === undefined) return texts[0] === "true" ? [`--${name}`] : [];
  const isPath = option.type.completion === "files" || option.type.completion === "directories";
  return texts.flatMap((text) => {
    const problem = option.secretProblem?.(text);
    if (problem !== undefined) throw new UsageError(`${from}: ${problem}`);
    const value = isPath ? absolute(name, text) : text;
    return value.startsWith("-") ? [`--${name}=${value}`] : [`--${name}`, value];
  });
}

/** A service starts in a different directory. */
function absolute(name: string, text: string): string {
  if (name === "pac" && /^[a-z][a-z\d+.-]+:/i.test(text)) return text;
  // A shell may be a word that PATH leads to.
  if (name === "shell" && !text.includes("/")) return text;
  return isAbsolute(text) ? text : resolve(text);
}

/** A proxy with a password is in a file, whose name the service is told. */
function proxyFileOf({ settings }: InstallInput, env: CommandContext["env"]): string | undefined {
  const file = env[VARIABLE.proxyFile];
  if (settings.has("proxy") || settings.has("pac") || file === undefined || file === "") return undefined;
  return resolve(file);
}

function proxyNotes(
  { settings }: InstallInput,
  proxyFile: string | undefined,
  env: CommandContext["env"],
): string[] {
  if (settings.has("proxy") || settings.has("pac") || proxyFile !== undefined) return [];
  const set = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].find(
    (name) => (env[name] ?? "") !== "",
  );
  if (set === undefined) return [];
  return [`The service does not see ${set}: pass --proxy if it needs that proxy.`];
}

/** Whoever can change what root runs at every start of the machine is root. */
function programNotes({ program }: Service, { uid }: ServiceAccount): string[] {
  const exposed = uid === 0 ? program.map(exposedForRoot).find((path) => path !== undefined) : undefined;
  if (exposed === undefined) return [];
  return [
    `Others than root can change ${exposed}, and so what root will run: install sallyport where only root can write, or pass --user.`,
  ];
}

/** Where the person's configuration and sign-ins are, if not where every program would look. */
function ownDirectories({ isSelf }: ServiceAccount, env: CommandContext["env"]): Record<string, string> {
  if (!isSelf) return {};
  const names = ["SALLYPORT_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const path = env[name] ?? "";
      return path === "" ? [] : [[name, resolve(path)]];
    }),
  );
}

function asHostReads(service: Service, account: ServiceAccount, context: CommandContext): HostOptions {
  const { args, tokenFile, env } = service;
  const words = [...args.slice(1), ...(tokenFile === undefined ? [] : ["--token-file", tokenFile])];
  const given = splitArguments(words, hostDefinition.options);
  const config = account.isSelf ? context.config : undefined;
  const { options } = readInput(hostDefinition, given, { env, ...(config === undefined ? {} : { config }) });
  const read = hostOptions(options, env);
  if (read.token.kind === "value")
    throw new CommandError("config", "bad_token", "A service takes no --token.");
  return read;
}
