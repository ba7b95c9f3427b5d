// The third step: writes the workspace's Host block into the managed SSH config. The first time, and with the person's
// consent, it also adds the line to their own config that includes it.

import { l10n, window } from "vscode";
import { withOnlyHostKey } from "../../agent/client/known-hosts/connect-url-key.ts";
import type { ChangedKeys } from "../../agent/client/known-hosts/managed-known-hosts.ts";
import { applyConfig, type Managed, readManaged } from "../../agent/client/ssh-config/apply.ts";
import { type Desired, desiredConfig, type Listing } from "../../agent/client/ssh-config/desired-config.ts";
import type { KeyPins } from "../../agent/client/ssh-config/host-block.ts";
import { withOwnerTokens } from "../../agent/client/ssh-config/owner-token-blocks.ts";
import {
  includeArgument,
  includeSpellings,
  type SshConfigPaths,
} from "../../agent/client/ssh-config/paths.ts";
import { planInclude } from "../../agent/client/ssh-config/person/include-plan.ts";
import { readPersonConfig } from "../../agent/client/ssh-config/person/person-file.ts";
import type { Difference } from "../../agent/client/ssh-config/person/verify-alias.ts";
import { workspaceLabel } from "../../agent/client/workspaces/workspace-list.ts";
import { CommandError } from "../../agent/platform/command-error.ts";
import type { Workspace } from "../../protocol/api.ts";
import { parsePublicKey, type SshPublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { Gateway } from "../accounts/gateways.ts";
import { copyOwnerTokenFor } from "../owner-token/mint.ts";
import type { Services } from "../services.ts";
import { askForInclude, tellIncludeByHand } from "../ssh-config/consent.ts";
import { ensureLauncher } from "../ssh-config/launcher.ts";
import { managedPaths, sshFor } from "../ssh-config/managed-config.ts";
import type { KeyChoice } from "./key-step.ts";
import type { ConnectTarget } from "./target.ts";
import type { FoundTransport } from "./transport-step.ts";

export interface WrittenConfig {
  readonly alias: string;
  readonly byOwnerToken: boolean;
}

/** How often to plan again when the person's file changes between the question and the answer. */
const MAX_PLANS = 3;

/** Returns undefined when the person said no. @throws CommandError */
export async function writeConfig(
  services: Services,
  target: ConnectTarget,
  keys: KeyChoice,
  transport: FoundTransport,
): Promise<WrittenConfig | undefined> {
  const paths = managedPaths();
  const launcher = await ensureLauncher(services);
  const listing = await listingOf(target.gateway, transport, target);
  const byOwnerToken = keys.kind === "owner-token";
  const pins = keys.kind === "pinned" ? pinsOf(keys) : undefined;
  const wanted = (now: Managed): Desired => {
    const place = { knownHosts: paths.knownHosts, platform: process.platform };
    const desired = desiredConfig(now, [listing], {
      place,
      launcher,
      transport: transport.transport,
      pins: () => pins,
    });
    const choice = { gateway: target.gateway.gateway, id: target.workspace.id, byOwnerToken };
    return withOwnerTokens(desired, now, [listing], choice, place);
  };
  for (let plans = 0; plans < MAX_PLANS; plans++) {
    const desired = wanted(readManaged(paths));
    const alias = desired.aliases.find(({ workspace }) => workspace.id === target.workspace.id)?.alias;
    if (alias === undefined) throw gone(target);
    if (!(await acceptsHostKeys(desired.changedKeys, alias, target))) return undefined;
    const include = await planForPerson(paths);
    if (include === "declined") return undefined;
    const outcome = await applyConfig({
      paths,
      change: (now) => wanted(now).managed,
      include,
      // Only what this connection uses: each run of `ssh -G` takes time.
      expect: desired.expect.filter((one) => one.alias === alias || one.alias.startsWith("_gateway.")),
      ssh: sshFor(paths),
    });
    if (outcome.kind === "outdated") continue;
    if (outcome.kind === "rolled-back") throw shadowed(outcome.differences, paths);
    if (byOwnerToken) await copyOwnerTokenFor(services, target, "ssh-asks");
    return { alias, byOwnerToken };
  }
  throw new CommandError("config", "outdated", l10n.t("{0} keeps changing: try again.", paths.person));
}

/**
 * Returns all of a gateway's workspaces, since aliases are assigned to all of them together. A connect URL's host key
 * is checked here again, against the list that is about to be written, and is the only key that is kept for its
 * workspace.
 * @throws CommandError host_key_mismatch
 */
export async function listingOf(
  gateway: Gateway,
  { discovery }: Pick<FoundTransport, "discovery">,
  target?: ConnectTarget,
): Promise<Listing> {
  const workspaces = await gateway.list();
  const missing =
    target !== undefined && !workspaces.some(({ id }) => id === target.workspace.id)
      ? [target.workspace]
      : [];
  return {
    gateway: gateway.gateway,
    account: gateway.account.account,
    workspaces: [...workspaces, ...missing].map((one) =>
      target?.hostKey !== undefined && one.id === target.workspace.id
        ? requireHostKey(one, target.hostKey)
        : one,
    ),
    ssh: discovery.ssh,
    hostKeys: discovery.hostKeys,
  };
}

/** Returns the workspace with only that host key. @throws CommandError host_key_mismatch */
export function requireHostKey(workspace: Workspace, hostKey: SshPublicKey): Workspace {
  const held = withOnlyHostKey(workspace, hostKey);
  if (held !== undefined) return held;
  throw new CommandError(
    "ssh",
    "host_key_mismatch",
    l10n.t(
      "The link says that {0} has the host key {1}, but its gateway publishes {2}. Either the machine was reinstalled and the link is old, or somebody is impersonating the machine: ask the person who sent the link.",
      workspaceLabel(workspace),
      hostKey.fingerprint,
      workspace.hostKeys.map((line) => parsePublicKey(line).fingerprint).join(", ") || l10n.t("no host key"),
    ),
  );
}

/** Returns the change to the person's own file, after asking for it; undefined when none is needed. */
export async function planForPerson(paths: SshConfigPaths) {
  const { bytes, readOnly } = await readPersonConfig(paths.person);
  const plan = planInclude(bytes, {
    path: paths.person,
    include: includeArgument(paths, process.platform),
    spellings: includeSpellings(paths),
    readOnly,
  });
  switch (plan.kind) {
    case "unchanged":
      return undefined;
    case "change":
      return (await askForInclude(paths.person, plan)) ? plan : "declined";
    case "refused":
      return (await tellIncludeByHand(paths.person, plan)) ? undefined : "declined";
  }
}

function pinsOf({ pin }: Extract<KeyChoice, { kind: "pinned" }>): KeyPins {
  return {
    identityFiles: [pin.identityFile],
    ...(pin.certificateFile === undefined ? {} : { certificateFiles: [pin.certificateFile] }),
    ...(pin.identityAgent === undefined ? {} : { identityAgent: pin.identityAgent }),
  };
}

/** Asks the person whether to trust a changed host key: it is either a new machine or an impostor. */
async function acceptsHostKeys(
  changed: readonly ChangedKeys[],
  alias: string,
  { workspace }: ConnectTarget,
): Promise<boolean> {
  const own = changed.find((one) => one.alias === alias || one.alias.startsWith("_gateway."));
  if (own === undefined) return true;
  const trust = l10n.t("Trust the New Key");
  // The first button is the default one, which Enter chooses.
  const refuse = l10n.t("Do Not Connect");
  const list = (keys: ChangedKeys["after"]) => keys.map(({ fingerprint }) => fingerprint).join("\n");
  const name = own.alias === alias ? workspaceLabel(workspace) : own.alias.replace("_gateway.", "");
  const answer = await window.showWarningMessage(
    l10n.t("The host key of {0} has changed", name),
    {
      modal: true,
      detail: l10n.t(
        "Before:\n{0}\n\nNow:\n{1}\n\nThis is expected if the machine was reinstalled. If it was not, somebody may be impersonating it: ask before you go on.",
        list(own.before),
        list(own.after),
      ),
    },
    refuse,
    trust,
  );
  return answer === trust;
}

export function shadowed(differences: readonly Difference[], { person }: SshConfigPaths): CommandError {
  const lines = differences.map(({ setting, wanted, got }) =>
    l10n.t("{0} is “{1}” instead of “{2}”", setting, got, wanted),
  );
  return new CommandError(
    "config",
    "shadowed",
    l10n.t(
      "SSH does not use Sallyport's settings, so nothing was changed: {0}. Something in {1}, or in the system's SSH configuration, takes precedence.",
      lines.join("; "),
      person,
    ),
  );
}

function gone({ workspace }: ConnectTarget): CommandError {
  return new CommandError(
    "workspace",
    "workspace_unknown",
    l10n.t("{0} no longer exists.", workspaceLabel(workspace)),
  );
}
