// What a host says when it registers: its name, its id at this gateway, and the proof that it holds its host keys. Pure.

import {
  type ChallengeMessage,
  CONTROL_VERSION,
  type HostMessage,
  hostKeyPayload,
  type RegisteredMessage,
  registrationPayload,
  TAKES_PROOFS,
} from "../../../protocol/control.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { BrowserUrl } from "../../../protocol/values/browser-url.ts";
import type { Folder } from "../../../protocol/values/folder.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceId, type WorkspaceId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { formatPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { HostIdentity, HostKey } from "../identity.ts";

/** What the host says about itself. */
export interface Registrant {
  readonly gateway: GatewayUrl;
  readonly identity: HostIdentity;
  readonly name: Name;
  readonly endToEndOnly: boolean;
  readonly ownerTokens: boolean;
  readonly browserUrl?: BrowserUrl | undefined;
  readonly folder?: Folder | undefined;
  /** This program and its version, such as `sallyport/0.1.0`. */
  readonly agent: string;
}

/**
 * The answer to the gateway's challenge.
 * @param keepsStandby whether this host dials a stream in advance when it is asked to
 * @throws ProtocolError bad_message: the challenge names no key of the gateway
 */
export function registerMessage(
  challenge: ChallengeMessage,
  registrant: Registrant,
  keepsStandby: boolean,
): HostMessage {
  const { identity, gateway, name, agent, endToEndOnly, ownerTokens, browserUrl, folder } = registrant;
  const [gatewayKey] = challenge.gatewayKeys;
  if (gatewayKey === undefined) throw new ProtocolError("bad_message", "The gateway named no key.");
  const firstKey = keyLine(identity);
  // An older gateway would publish further keys without a proof, and refuses a message that has one.
  const takesProofs = challenge.version >= TAKES_PROOFS;
  const further = takesProofs ? identity.furtherKeys : [];
  const payload = hostKeyPayload(challenge.nonce, gatewayKey, firstKey);
  return {
    type: "register",
    version: CONTROL_VERSION,
    name,
    workspaceId: identity.workspaceId(gateway, name),
    hostKeys: [firstKey, ...further.map(keyLine)],
    signature: identity.sign(registrationPayload(challenge.nonce, gatewayKey)).toString("base64"),
    // Sent even if empty: by its presence the gateway knows that this host understands the newer error codes.
    ...(takesProofs ? { proofs: further.map((key) => key.sign(payload).toString("base64")) } : {}),
    agent,
    endToEndOnly,
    ownerTokens,
    standby: keepsStandby,
    ...(browserUrl === undefined ? {} : { browserUrl }),
    ...(folder === undefined ? {} : { folder }),
  };
}

function keyLine({ publicKey }: HostKey): string {
  return formatPublicKey({ ...publicKey, comment: "" });
}

/** The workspace's id as the gateway gave it. @throws ProtocolError bad_id */
export function registeredId(message: RegisteredMessage): WorkspaceId {
  return parseWorkspaceId(message.workspace.id);
}
