// How a control connection becomes a link: challenge, signed registration, then the workspace's place in the registry.

import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { WebSocket } from "ws";
import {
  CONTROL_VERSION,
  type GatewayMessage,
  hostKeyPayload,
  messageText,
  type PushedKey,
  parseHostMessage,
  type RegisterMessage,
  registrationPayload,
  TAKES_PROOFS,
} from "../../protocol/control.ts";
import { CLOSE, type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { REGISTER_TIMEOUT_MS } from "../../protocol/limits.ts";
import { isGoodSignature } from "../../protocol/ssh/key-signature.ts";
import { WireReader } from "../../protocol/ssh/wire.ts";
import { parseBrowserUrl } from "../../protocol/values/browser-url.ts";
import { parseFolder } from "../../protocol/values/folder.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import type { SshAddress } from "../../protocol/values/host-name.ts";
import { parseWorkspaceId } from "../../protocol/values/id.ts";
import { parseName } from "../../protocol/values/name.ts";
import {
  formatPublicKey,
  type KeyType,
  parsePublicKey,
  type SshPublicKey,
} from "../../protocol/values/ssh-public-key.ts";
import { closeReason, OPEN } from "../../protocol/web-socket/web-socket.ts";
import type { Directory, Identity, WorkspaceRecord } from "../directory.ts";
import { asRefusal } from "../upgrades/upgrade.ts";
import { isExpected } from "./expected-host-key.ts";
import { fittingKeys } from "./fitting-keys.ts";
import { NativeLink } from "./native-link.ts";
import type { PendingStreams } from "./pending-streams.ts";
import type { LinkRegistry } from "./registry.ts";

export interface RegistrationContext {
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly pending: PendingStreams;
  /** authorized_keys form; ed25519 first. */
  readonly gatewayKeys: readonly string[];
  readonly publicUrl: GatewayUrl;
  readonly ssh: SshAddress | null;
  readonly maxStreamsPerWorkspace: number;
  readonly onStreams: () => void;
}

/** A host takes no error with a code that it does not know, and would not show what the gateway says. */
const CODES_OF_BEFORE: ReadonlyMap<ErrorCode, ErrorCode> = new Map([
  ["token_bound", "forbidden"],
  ["host_key_held", "identity_mismatch"],
]);
/** How long a link whose name another machine wants has to show that its host is alive. */
const PROBE_MS = 3_000;

/**
 * Speaks the registration with a host that has just connected and puts its link into the registry. A refusal is told
 * to the host and closes the connection.
 * @param clockAhead of the host's clock, in ms; undefined: it does not say what time it is there
 * @throws ProtocolError what was refused, for the log; the connection is closed by then
 */
export async function registerHost(
  socket: WebSocket,
  identity: Identity | null,
  address: string,
  context: RegistrationContext,
  clockAhead?: number,
): Promise<NativeLink> {
  let isOfBefore = false;
  try {
    const nonce = randomBytes(32).toString("base64");
    const [firstKey] = context.gatewayKeys;
    if (firstKey === undefined) throw new ProtocolError("internal", "The gateway has no host key.");
    send(socket, {
      type: "challenge",
      version: TAKES_PROOFS,
      nonce,
      gatewayKeys: [...context.gatewayKeys],
    });
    const message = await receiveRegister(socket);
    isOfBefore = message.proofs === undefined;
    const hostKeys = checkSignatures(message, nonce, firstKey);
    const name = parseName(message.name);
    const workspaceId =
      message.workspaceId === null ? null : parseWorkspaceId(message.workspaceId, "workspaceId");
    const browserUrl = message.browserUrl === undefined ? null : parseBrowserUrl(message.browserUrl);
    const folder = message.folder === undefined ? null : parseFolder(message.folder);
    const turn = identity === null ? `open/${workspaceId ?? nonce}` : `${identity.account.id}/${name}`;
    return await context.registry.turns.take(turn, async () => {
      // Looked at again: another host may have come with the same token, which is bound to its workspace then.
      const checked = identity === null ? null : await context.directory.recheck(identity.tokenId);
      const existing = await context.directory.findRegistered(checked, name, workspaceId);
      if (existing !== undefined) await checkConflict(existing, hostKeys, context.registry);
      const workspace = await context.directory.register({
        identity: checked,
        address,
        name,
        existing: existing ?? null,
        hostKeys,
        endToEndOnly: message.endToEndOnly,
        ownerTokens: message.ownerTokens,
        browserUrl,
        folder,
        isOnline: (id) => context.registry.get(id) !== undefined,
      });
      const keys = await context.directory.pushedKeys(workspace.id);
      const { loans } = context.registry;
      loans.renew(workspace.id, Date.now());
      const lent = (): PushedKey[] => loans.of(workspace.id);
      if (socket.readyState !== OPEN) {
        throw new ProtocolError("workspace_offline", "The host went away while it registered.");
      }
      const link = new NativeLink(socket, {
        workspaceId: workspace.id,
        address,
        credential: identity === null ? null : { accountId: identity.account.id, tokenId: identity.tokenId },
        hostKeys,
        clockAhead,
        keys,
        lent,
        pending: context.pending,
        maxStreams: context.maxStreamsPerWorkspace,
        streamsElsewhere: () => context.registry.streamsElsewhere(workspace.id),
        onStreams: () => {
          context.onStreams();
          context.registry.changed(workspace.id);
        },
        onEnd: (how) => context.registry.release(link, how),
      });
      send(socket, {
        type: "registered",
        workspace: { id: workspace.id, name: workspace.name },
        account: identity?.account.name ?? null,
        ssh: context.ssh,
        publicUrl: context.publicUrl,
        // Those that are lent among them: what a host is not told of may not stay.
        keys: fittingKeys([...lent(), ...keys]),
      });
      context.registry.claim(link);
      try {
        await catchUp(link, identity, keys, context.directory);
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
    const code = (isOfBefore ? CODES_OF_BEFORE.get(refusal.code) : undefined) ?? refusal.code;
    send(socket, { type: "error", code, message: messageText(refusal.message) });
    socket.close(CLOSE.refused, closeReason(code));
    throw refusal;
  }
}

/**
 * What changed before the link had its place found no link to tell. From the claim on it does; so one look after the
 * claim misses nothing. @throws ProtocolError: the token or the workspace is gone
 */
async function catchUp(
  link: NativeLink,
  identity: Identity | null,
  sent: readonly PushedKey[],
  directory: Directory,
): Promise<void> {
  if (identity !== null) await directory.recheck(identity.tokenId);
  if ((await directory.workspace(link.workspaceId)) === undefined) {
    throw new ProtocolError("workspace_unknown", "This workspace was deleted at the gateway.");
  }
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
          throw new ProtocolError("bad_message", "Control messages are text.");
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

/** Kinds of keys that hosts have: a security key would have to be touched at each connection. */
const HOST_KEY_TYPES: ReadonlySet<KeyType> = new Set([
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
]);
/** NIST SP 800-131A: no RSA below. */
const MIN_RSA_BITS = 2048;
const NO_TOUCH = { touchRequired: false, verificationRequired: false };

/** Returns the host's keys in their shortest form. Each has signed the gateway's nonce: no host names a key of another's. */
function checkSignatures(message: RegisterMessage, nonce: string, gatewayKey: string): string[] {
  if (message.version !== CONTROL_VERSION) {
    throw new ProtocolError(
      "unsupported_version",
      `This gateway speaks version ${CONTROL_VERSION} of the host protocol, not ${message.version}: update the older side.`,
      { field: "version" },
    );
  }
  const keys = message.hostKeys.map(parsePublicKey);
  const [first, ...further] = keys;
  if (first?.type !== "ssh-ed25519") {
    throw new ProtocolError("bad_key", "A host's first key is of type ssh-ed25519.", { field: "hostKeys" });
  }
  if (!hasSigned(first, registrationPayload(nonce, gatewayKey), message.signature)) {
    throw new ProtocolError(
      "identity_mismatch",
      "The registration is not signed by the host key that it names.",
      { field: "signature" },
    );
  }
  const lines = keys.map((key) => formatPublicKey({ ...key, comment: "" }));
  const payload = hostKeyPayload(nonce, gatewayKey, lines[0] ?? "");
  for (const [index, key] of further.entries()) {
    if (!isHostKey(key) || keys.indexOf(key) !== keys.findIndex(({ blob }) => blob === key.blob)) {
      throw new ProtocolError("bad_key", `A host has no key such as ${key.fingerprint} (${key.type}).`, {
        field: "hostKeys",
      });
    }
    if (!hasSigned(key, payload, message.proofs?.[index] ?? "")) {
      throw new ProtocolError(
        "identity_mismatch",
        `The registration is not signed by the host key ${key.fingerprint} that it names.`,
        { field: "proofs" },
      );
    }
  }
  return lines;
}

function isHostKey({ type, blob }: SshPublicKey): boolean {
  if (!HOST_KEY_TYPES.has(type)) return false;
  if (type !== "ssh-rsa") return true;
  const fields = new WireReader(Buffer.from(blob, "base64"));
  const [, , modulus] = [fields.string(), fields.string(), fields.string()];
  // The number itself: its bytes may begin with zeros.
  return BigInt(`0x${modulus.toString("hex")}`) >> BigInt(MIN_RSA_BITS - 1) > 0n;
}

function hasSigned({ type, blob }: SshPublicKey, signed: Buffer, signature: string): boolean {
  const proof = {
    type,
    blob: Buffer.from(blob, "base64"),
    hash: "sha512",
    signature: Buffer.from(signature, "base64"),
    signed,
  } as const;
  return isGoodSignature(proof, NO_TOUCH);
}

/**
 * The same machine again (the same host key, or one that the owner has accepted) takes its place. A different machine
 * does not push out one that is alive; where none is, the directory holds its key back. An open workspace has no owner
 * who could accept a key: it belongs to its key for good, since its id is known to everyone who was invited.
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
