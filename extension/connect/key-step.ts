// The first step: finds the SSH key of this person that the gateway knows. Where there is none, it asks one question:
// register a key, create one, or use an owner token.

import { hostname } from "node:os";
import { l10n, type QuickPickItem, ThemeIcon, window } from "vscode";
import { createKey, sallyportKeyPath } from "../../agent/client/keys/create-key.ts";
import { applyPin, type DiscoveredKeys, discoverKeys } from "../../agent/client/keys/discover-keys.ts";
import type { KeyCandidate } from "../../agent/client/keys/key-candidates.ts";
import { type KeyPin, pinOf, planKey } from "../../agent/client/keys/key-plan.ts";
import { registerKey } from "../../agent/client/keys/register-key.ts";
import { keygenRunner } from "../../agent/client/keys/sign-proof.ts";
import { suggestedFirst } from "../../agent/client/keys/suggested-keys.ts";
import type { AgentAddress } from "../../agent/client/ssh-agent/agent-address.ts";
import { gatewayLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import { gatewayHost } from "../../protocol/values/gateway-url.ts";
import { machine, sshHome } from "../machine.ts";
import type { Services } from "../services.ts";
import { sshProgram } from "../settings.ts";
import { managedPaths } from "../ssh-config/managed-config.ts";
import { hasTerminalsHere, terminalKeygen } from "./signing-terminal.ts";
import type { ConnectTarget } from "./target.ts";
import type { FoundTransport } from "./transport-step.ts";

export type KeyChoice =
  | { readonly kind: "pinned"; readonly pin: KeyPin }
  | { readonly kind: "owner-token" }
  /**
   * The token may not list the account's keys, so none can be chosen: ssh offers what the person's configuration says.
   */
  | { readonly kind: "unpinned" };

/** Returns undefined when the person gave up. @throws CommandError */
export async function chooseKey(
  services: Services,
  target: ConnectTarget,
  transport: Promise<FoundTransport>,
  signal: AbortSignal,
): Promise<KeyChoice | undefined> {
  const { gateway } = target;
  const [found, registered] = await Promise.all([findKeys(target), registeredKeys(target, signal)]);
  for (const note of found.notes) services.log.info(note);
  if (registered === undefined) {
    services.log.warn("This access token may not list keys, so none is pinned.");
    return { kind: "unpinned" };
  }
  const facts = { ...found, registered, directory: managedPaths().directory, platform: process.platform };
  const plan = planKey(facts);
  if (plan.kind === "matched") {
    services.log.info(`The key is ${plan.candidate.label}.`);
    return pinned(plan.pin);
  }
  const tokenWorks = await ownerTokenWorks(target, transport);
  if (tokenWorks && services.history.usesOwnerToken(gateway.gateway)) return { kind: "owner-token" };
  const answer = await ask(target, found.candidates, registered, tokenWorks);
  switch (answer?.kind) {
    case undefined:
      return undefined;
    case "register":
      await register(services, target, answer.candidate, found.agent, signal);
      return pinned(pinOf(answer.candidate, facts));
    case "create":
      return await create(services, target, registered, signal);
    case "owner-token":
      await services.history.setUsesOwnerToken(gateway.gateway, answer.always);
      return { kind: "owner-token" };
  }
}

async function findKeys({ gateway }: ConnectTarget): Promise<DiscoveredKeys> {
  const paths = managedPaths();
  return await discoverKeys({
    host: gatewayHost(gateway.gateway),
    configFile: paths.personIsDefault ? undefined : paths.person,
    machine: { ...machine(), home: sshHome() },
    ssh: sshProgram(),
  });
}

/** Returns the fingerprints of the account's keys, or undefined when the token is not allowed to list them. */
async function registeredKeys(
  { gateway }: ConnectTarget,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const keys = await (await gateway.api(signal)).keys();
    return new Set(keys.map(({ fingerprint }) => fingerprint));
  } catch (error) {
    if (error instanceof CommandError && error.code === "scope_missing") return undefined;
    throw error;
  }
}

/**
 * Whether an owner token can be used: the gateway's SSH port is reachable, and may connect to the workspace for the
 * person.
 */
async function ownerTokenWorks(
  { workspace }: ConnectTarget,
  transport: Promise<FoundTransport>,
): Promise<boolean> {
  if (!workspace.mine || workspace.endToEndOnly) return false;
  const choice = await transport;
  return choice.transport === "direct" && choice.discovery.ssh !== null;
}

function pinned(pin: KeyPin): KeyChoice {
  applyPin(pin);
  return { kind: "pinned", pin };
}

type Answer =
  | { readonly kind: "register"; readonly candidate: KeyCandidate }
  | { readonly kind: "create" }
  | { readonly kind: "owner-token"; readonly always: boolean };

async function ask(
  { gateway, workspace }: ConnectTarget,
  candidates: readonly KeyCandidate[],
  registered: ReadonlySet<string>,
  tokenWorks: boolean,
): Promise<Answer | undefined> {
  const where = gatewayLabel(gateway.gateway);
  const usable = suggestedFirst(candidates.filter(({ problem }) => problem === undefined));
  const items: (QuickPickItem & { answer: Answer })[] = [
    ...usable.map((candidate) => ({
      label: l10n.t("Register {0} with {1}", shortName(candidate), where),
      detail: candidate.label,
      iconPath: new ThemeIcon("key"),
      answer: { kind: "register", candidate } as const,
    })),
    {
      label: l10n.t("Create a key for Sallyport"),
      detail: l10n.t("A new key in ~/.ssh/sallyport, only for Sallyport, registered with {0}", where),
      iconPath: new ThemeIcon("add"),
      answer: { kind: "create" },
    },
  ];
  if (tokenWorks) {
    items.push(
      {
        label: l10n.t("Use an owner token"),
        detail: l10n.t("A password for {0} that expires: paste it when SSH asks for it", workspace.name),
        iconPath: new ThemeIcon("shield"),
        answer: { kind: "owner-token", always: false },
      },
      {
        label: l10n.t("Don't ask again for this gateway"),
        detail: l10n.t("Use an owner token at {0} whenever no key fits", where),
        iconPath: new ThemeIcon("bell-slash"),
        answer: { kind: "owner-token", always: true },
      },
    );
  }
  const broken = candidates.find(
    ({ key, problem }) => problem !== undefined && registered.has(key.fingerprint),
  );
  const picked = await window.showQuickPick(items, {
    title: l10n.t("{0} does not know any of your SSH keys yet", where),
    placeHolder:
      broken?.problem === undefined
        ? l10n.t("How do you want to prove who you are?")
        : l10n.t("One of your keys is registered, but {0}", broken.problem),
    ignoreFocusOut: true,
  });
  return picked?.answer;
}

/** People know a key by its file name or its comment. */
function shortName({ key, file }: KeyCandidate): string {
  if (file !== undefined) return file.split(/[\\/]/).at(-1) ?? file;
  return key.comment === "" ? key.fingerprint.slice(0, 20) : key.comment;
}

async function create(
  services: Services,
  target: ConnectTarget,
  registered: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<KeyChoice> {
  const { platform, env, home } = machine();
  const { path, key, created } = await createKey({
    path: sallyportKeyPath(home),
    hostName: hostname(),
    platform,
    env,
  });
  services.log.info(`${created ? "Made" : "Found"} the key ${path} (${key.fingerprint}).`);
  if (!registered.has(key.fingerprint)) {
    const made = { key, file: path, inAgent: false, encrypted: false };
    await register(services, target, made, { kind: "none" }, signal);
  }
  return pinned({
    key,
    identityFile: path,
    identitiesOnly: true,
    identityAgent: undefined,
    certificateFile: undefined,
    publicKeyFile: undefined,
  });
}

/** Has ssh-keygen sign the proof that the key is the person's, in a terminal where it may have to ask for something. */
async function register(
  services: Services,
  { gateway }: ConnectTarget,
  { key, file, inAgent, encrypted }: Pick<KeyCandidate, "key" | "file" | "inAgent" | "encrypted">,
  agent: AgentAddress,
  signal: AbortSignal,
): Promise<void> {
  const title = (key.comment === "" ? hostname() : key.comment).slice(0, 100);
  const { env } = machine();
  const asks = !inAgent && (encrypted || key.type.startsWith("sk-"));
  const run =
    asks && hasTerminalsHere(services)
      ? terminalKeygen(gatewayLabel(gateway.gateway), signal)
      : keygenRunner({
          env: inAgent && agent.kind === "socket" ? { ...env, SSH_AUTH_SOCK: agent.path } : env,
          signal,
          terminal: false,
        });
  await registerKey(await gateway.api(signal), gateway.gateway, { key, file, title }, run);
  services.log.info(`Registered ${key.fingerprint} with ${gateway.gateway}.`);
}
