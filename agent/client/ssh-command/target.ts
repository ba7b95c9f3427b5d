// Finds the workspace that `sallyport ssh` is to connect to, and the host keys that it may have.

import { readFileSync } from "node:fs";
import type { Workspace } from "../../../protocol/api.ts";
import { type CommandContext, UsageError } from "../../../protocol/command/command.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { formatWorkspaceRef, parseWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { AccessToken } from "../../../protocol/values/token.ts";
import { CommandError } from "../../platform/command-error.ts";
import { ownerTokenFromEnvironment } from "../../platform/credentials/environment.ts";
import { readAccessToken } from "../../platform/credentials/store.ts";
import { relativeTime } from "../../platform/duration.ts";
import { systemCode } from "../../platform/files/private-file.ts";
import { networkFrom } from "../../platform/network/configured-network.ts";
import { gatewayApi } from "../gateway-api.ts";
import { hostKeyAlias, keysFor } from "../known-hosts/known-hosts-lines.ts";
import { pinnedHostKeys } from "../known-hosts/ssh-command-known-hosts.ts";

export interface Target {
  readonly alias: string;
  /** The workspace's name for the tunnel: its id, if the gateway gave one. */
  readonly workspace: string;
  /** At least one. */
  readonly hostKeys: readonly SshPublicKey[];
}

/** The person's options about host keys. */
export interface GivenHostKeys {
  /** A public key, or its SHA256: fingerprint. */
  readonly hostKey: string | undefined;
  readonly knownHostsFile: string | undefined;
}

/**
 * Asks the gateway. Without an account there, the host key must come from the person or from an earlier connection.
 * @throws CommandError stage `sign-in`, `workspace` (unknown, offline), `ssh` (no host key, or a different one), or the
 * network's
 */
export async function findTarget(
  gateway: GatewayUrl,
  ref: WorkspaceRef,
  given: GivenHostKeys,
  context: CommandContext,
): Promise<Target> {
  const record = await fetchRecord(gateway, ref, given, context);
  if (record === undefined) return targetWithoutRecord(gateway, ref, given, context);
  if (!record.online) throw offline(record);
  const alias = hostKeyAlias(parseWorkspaceRef(`${record.name}.${record.owner}`), gateway);
  const published = record.hostKeys.map((line) => parsePublicKey(line));
  const hostKeys = narrowed(published, given, [alias, record.id]);
  if (hostKeys.length === 0) {
    throw new CommandError(
      "ssh",
      "host_key_mismatch",
      published.length === 0
        ? `The gateway publishes no host key for ${record.name}.`
        : `The gateway publishes a different host key for ${record.name} than the given one: ${published.map((key) => key.fingerprint).join(", ")}.`,
    );
  }
  return { alias, workspace: record.id, hostKeys: unchanged(record.name, hostKeys, alias, given, context) };
}

/**
 * The gateway is trusted at the first connection only. After that, a different host cannot take the workspace's place, neither
 * by the gateway's doing nor under the same name, unless the person accepts its key. @throws CommandError stage `ssh`
 */
function unchanged(
  name: string,
  published: readonly SshPublicKey[],
  alias: string,
  given: GivenHostKeys,
  context: CommandContext,
): readonly SshPublicKey[] {
  if (given.hostKey !== undefined || given.knownHostsFile !== undefined) return published;
  const pinned = pinnedHostKeys(alias, context.env);
  if (pinned.length === 0) return published;
  const known = published.filter(({ blob }) => pinned.some((key) => key.blob === blob));
  if (known.length > 0) return known;
  const now = published[0]?.fingerprint ?? "";
  const before = pinned.map((key) => key.fingerprint).join(", ");
  throw new CommandError(
    "ssh",
    "host_key_changed",
    `The host key of ${name} has changed since your last connection: it is now ${now}; it was ${before}. If its host was ` +
      `set up again, accept the new key once with --host-key ${now}; if not, somebody may be impersonating it.`,
  );
}

async function fetchRecord(
  gateway: GatewayUrl,
  ref: WorkspaceRef,
  given: GivenHostKeys,
  context: CommandContext,
): Promise<Workspace | undefined> {
  // An owner token opens the tunnel, but the API answers only accounts.
  const hasOwnerToken = ownerTokenFromEnvironment(gateway, context.env) !== undefined;
  const found = hasOwnerToken ? undefined : await readAccessToken(gateway, context);
  if (found === undefined) {
    if (
      hasOwnerToken ||
      ref.kind === "id" ||
      given.hostKey !== undefined ||
      given.knownHostsFile !== undefined
    ) {
      return undefined;
    }
    throw new CommandError(
      "sign-in",
      "unauthenticated",
      `You are not signed in at ${gateway}: run \`sallyport login ${gateway}\`.`,
    );
  }
  try {
    const { signal, env } = context;
    const renewToken = async (refused: AccessToken) =>
      (await readAccessToken(gateway, context, refused))?.token;
    const options = { token: found.token, renewToken, signal, network: networkFrom(env) };
    return await gatewayApi(gateway, options).workspace(ref);
  } catch (error) {
    // An accountless workspace is reached by its id, and is in no list.
    if (error instanceof CommandError && error.code === "workspace_unknown" && ref.kind === "id")
      return undefined;
    throw error;
  }
}

function targetWithoutRecord(
  gateway: GatewayUrl,
  ref: WorkspaceRef,
  given: GivenHostKeys,
  context: CommandContext,
): Target {
  const workspace = formatWorkspaceRef(ref);
  const alias = hostKeyAlias(ref, gateway);
  const explicit = explicitKeys(given, [alias, workspace]);
  const hostKeys = explicit ?? pinnedHostKeys(alias, context.env);
  if (hostKeys.length > 0) return { alias, workspace, hostKeys };
  throw new CommandError(
    "ssh",
    "no_host_key",
    explicit === undefined
      ? `Without an account the host key of ${workspace} is not known: give the one that \`sallyport host\` printed, with --host-key "ssh-ed25519 AAAA…".`
      : `${given.knownHostsFile ?? "The file"} contains no key for ${alias} or ${workspace}.`,
  );
}

/** The published keys that the person accepts. */
function narrowed(
  published: readonly SshPublicKey[],
  given: GivenHostKeys,
  names: readonly string[],
): readonly SshPublicKey[] {
  const { hostKey } = given;
  if (hostKey?.startsWith("SHA256:") === true) return published.filter((key) => key.fingerprint === hostKey);
  const accepted = explicitKeys(given, names);
  if (accepted === undefined) return published;
  return published.filter(({ blob }) => accepted.some((key) => key.blob === blob));
}

/** The host keys that the options name; undefined: no option was given. */
function explicitKeys(given: GivenHostKeys, names: readonly string[]): readonly SshPublicKey[] | undefined {
  if (given.hostKey !== undefined) {
    if (given.hostKey.startsWith("SHA256:")) {
      throw new UsageError(
        'Without an account a fingerprint is not enough, because ssh compares whole keys: give --host-key "ssh-ed25519 AAAA…".',
      );
    }
    return [parsePublicKey(given.hostKey)];
  }
  if (given.knownHostsFile === undefined) return undefined;
  try {
    return keysFor(readFileSync(given.knownHostsFile, "utf8"), names);
  } catch (cause) {
    const code = systemCode(cause);
    throw new CommandError("file", code, `Cannot read ${given.knownHostsFile} (${code}).`, { cause });
  }
}

function offline(record: Workspace): CommandError {
  const seen =
    record.lastSeenAt === null ? "" : ` (last seen ${relativeTime(record.lastSeenAt, new Date())})`;
  return new CommandError(
    "workspace",
    "workspace_offline",
    record.heldHostKeys === undefined
      ? `${record.name} is offline${seen}: start \`sallyport host\` there.`
      : `${record.name} is offline${seen}, and a host with a different host key wants to register as it: look at the key with \`sallyport workspace host-key ${record.name}\`.`,
  );
}
