// How a host's control connection becomes a link: challenge, signed registration, and its entry in the
// registry.

import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { WebSocket } from "ws";
import {
  type GatewayMessage,
  messageText,
  type PushedKey,
  parseHostMessage,
  type RegisterMessage,
  TAKES_PROOFS,
} from "../../protocol/control.ts";
import { CLOSE, type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { REGISTER_TIMEOUT_MS } from "../../protocol/limits.ts";
import { parseBrowserUrl } from "../../protocol/values/browser-url.ts";
import { parseFolder } from "../../protocol/values/folder.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { SshAddress } from "../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../protocol/values/id.ts";
import { parseName } from "../../protocol/values/name.ts";
import { closeReason, OPEN } from "../../protocol/web-socket/web-socket.ts";
import type { Directory, Identity, WorkspaceRecord } from "../directory.ts";
import { asRefusal } from "../refusal.ts";
import { isExpected } from "./expected-host-key.ts";
import { fittingKeys } from "./fitting-keys.ts";
import { requireUnfrozen } from "./frozen.ts";
import { NativeLink } from "./native-link.ts";
import { checkProofs } from "./registration-proof.ts";
import type { LinkRegistry } from "./registry.ts";
import type { PendingStreams } from "./streams/pending-streams.ts";
import { MAX_STREAMS_PER_WORKSPACE } from "./streams/stream-slots.ts";

interface RegistrationContext {
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly pending: PendingStreams;
  /** authorized_keys form; ed25519 first. */
  readonly gatewayKeys: readonly string[];
  readonly publicUrl: () => GatewayUrl;
  readonly ssh: () => SshAddress | null;
}

/** A host that has connected. */
interface ConnectingHost {
  /** null: without an account. */
  readonly identity: Identity | null;
  readonly address: string;
  /** How far its clock is ahead of the gateway's; undefined: it does not tell its time. */
  readonly clockAheadMs?: number | undefined;
}

/**
 * For hosts from before these codes: they reject an error with an unknown code, and would not show its
 * message.
 */
const OLDER_CODES: ReadonlyMap<ErrorCode, ErrorCode> = new Map([
  ["token_bound", "forbidden"],
  ["host_key_held", "identity_mismatch"],
  // A host with this code tries again, as it should here.
  ["frozen", "rate_limited"],
]);
/** Within this time the host of a link must answer, or a different machine may take over its name. */
const PROBE_MS = 3_000;

/**
 * Speaks the registration with a host that has just connected, and puts its link into the registry. A refusal
 * is told to the host and closes the connection.
 * @throws ProtocolError the refusal, for the log; the connection is closed by then
 */
export async function registerHost(
  socket: WebSocket,
  { identity, address, clockAheadMs }: ConnectingHost,
  context: RegistrationContext,
): Promise<NativeLink> {
  const { directory, registry, pending, gatewayKeys, publicUrl, ssh } = context;
  let takesOlderCodes = false;
  try {
    const nonce = randomBytes(32).toString("base64");
    const [firstKey] = gatewayKeys;
    if (firstKey === undefined) throw new ProtocolError("internal", "The gateway has no host key.");
    send(socket, {
      type: "challenge",
      version: TAKES_PROOFS,
      nonce,
      gatewayKeys: [...gatewayKeys],
    });
    const message = await receiveRegister(socket);
    takesOlderCodes = message.proofs === undefined;
    const hostKeys = checkProofs(message, nonce, firstKey);
    const name = parseName(message.name);
    const workspaceId =
      message.workspaceId === null ? null : parseWorkspaceId(message.workspaceId, "workspaceId");
    const browserUrl = message.browserUrl === undefined ? null : parseBrowserUrl(message.browserUrl);
    const folder = message.folder === undefined ? null : parseFolder(message.folder);
    const key = identity === null ? `open/${workspaceId ?? nonce}` : `${identity.account.id}/${name}`;
    return await registry.registrationMutex.runExclusive(key, async () => {
      // Checked again: a different host may have registered with the same token, which then belongs to its
      // workspace.
      const checked = identity === null ? null : await directory.recheck(identity.tokenId);
      const existing = await directory.findRegistered(checked, name, workspaceId);
      if (existing !== undefined) {
        requireUnfrozen(existing);
        await checkConflict(existing, hostKeys, registry);
      }
      const workspace = await directory.register({
        identity: checked,
        address,
        name,
        existing: existing ?? null,
        hostKeys,
        endToEndOnly: message.endToEndOnly,
        ownerTokens: message.ownerTokens,
        browserUrl,
        folder,
        isOnline: (id) => registry.get(id) !== undefined,
      });
      const keys = await directory.pushedKeys(workspace.id);
      const { lentKeys } = registry;
      lentKeys.dropExpired(workspace.id, Date.now());
      const lent = (): PushedKey[] => lentKeys.of(workspace.id);
      if (socket.readyState !== OPEN) {
        throw new ProtocolError("workspace_offline", "The host went away while it registered.");
      }
      const link = new NativeLink(socket, {
        workspaceId: workspace.id,
        address,
        credential: identity === null ? null : { accountId: identity.account.id, tokenId: identity.tokenId },
        hostKeys,
        clockAheadMs,
        keys,
        lent,
        pending,
        maxStreams: MAX_STREAMS_PER_WORKSPACE,
        streamsElsewhere: () => registry.streamsElsewhere(workspace.id),
        onStreams: () => registry.changed(workspace.id),
        onEnd: (how) => registry.release(link, how),
      });
      send(socket, {
        type: "registered",
        workspace: { id: workspace.id, name: workspace.name },
        account: identity?.account.name ?? null,
        ssh: ssh(),
        publicUrl: publicUrl(),
        // With the lent keys: a host ends the sessions of keys that are missing here.
        keys: fittingKeys([...lent(), ...keys]),
      });
      registry.claim(link);
      try {
        await catchUp(link, identity, keys, directory);
      } catch (error) {
        const { code, message } = asRefusal(error);
        link.close(code, message);
        throw error;
      }
      if (message.standby === true) link.warm();
      return link;
    });
  } catch (error) {
    const refusal = asRefusal(error);
    const code = (takesOlderCodes ? OLDER_CODES.get(refusal.code) : undefined) ?? refusal.code;
    send(socket, { type: "error", code, message: messageText(refusal.message) });
    socket.close(CLOSE.refused, closeReason(code));
    throw refusal;
  }
}

/**
 * Looks once more after the claim, and so misses nothing: from the claim on changes reach the link, but those
 * just before found no link to tell.
 * @throws ProtocolError the token or the workspace is gone, or the workspace is frozen
 */
async function catchUp(
  link: NativeLink,
  identity: Identity | null,
  sent: readonly PushedKey[],
  directory: Directory,
): Promise<void> {
  if (identity !== null) await directory.recheck(identity.tokenId);
  const workspace = await directory.workspace(link.workspaceId);
  if (workspace === undefined) {
    throw new ProtocolError("workspace_unknown", "This workspace was deleted at the gateway.");
  }
  requireUnfrozen(workspace);
  const keys = await directory.pushedKeys(link.workspaceId);
  if (!isDeepStrictEqual(keys, sent)) link.sendKeys(keys);
}

function receiveRegister(socket: WebSocket): Promise<RegisterMessage> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      socket.off("message", onMessage);
      socket.off("close", onClose);
    };
    const onMessage = (data: unknown, isBinary: boolean): void => {
      end();
      try {
        if (isBinary || !Buffer.isBuffer(data))
          throw new ProtocolError("bad_message", "Control messages must be text.");
        const message = parseHostMessage(data.toString());
        if (message.type !== "register") {
          throw new ProtocolError("bad_message", "A host registers first.", { field: "type" });
        }
        resolve(message);
      } catch (error) {
        reject(error);
      }
    };
    const onClose = (): void => {
      end();
      reject(new ProtocolError("bad_message", "The host left before it registered."));
    };
    const timer = setTimeout(() => {
      end();
      reject(new ProtocolError("bad_message", "The host did not register in time."));
    }, REGISTER_TIMEOUT_MS);
    socket.on("message", onMessage);
    socket.on("close", onClose);
    socket.resume();
  });
}

/**
 * The same machine (it has the workspace's host key, or one that the owner has accepted) takes over. A
 * different machine does not replace a host that is alive; where no host is alive, the directory holds the
 * different key. An accountless workspace has no owner who could accept a key, so it belongs to its first key
 * for good: everyone who was invited knows its id.
 * @throws ProtocolError name_taken
 */
async function checkConflict(
  existing: WorkspaceRecord,
  hostKeys: readonly string[],
  registry: LinkRegistry,
): Promise<void> {
  if (existing.owner === null || isExpected(existing, hostKeys[0])) return;
  const link = await registry.find(existing.id);
  if (link !== undefined && (await link.probe(PROBE_MS))) {
    throw new ProtocolError(
      "name_taken",
      `A different machine is online as ${JSON.stringify(existing.name)}: choose another --name, or stop it first.`,
      { field: "name" },
    );
  }
}

function send(socket: WebSocket, message: GatewayMessage): void {
  if (socket.readyState === OPEN) socket.send(JSON.stringify(message));
}
