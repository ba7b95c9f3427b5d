// An upterm host's request for a session, validated: the session's id, the host's keys, and the keys that may
// join.

import { ProtocolError } from "../../protocol/errors.ts";
import { formatPublicKey, parsePublicKey, type SshPublicKey } from "../../protocol/values/ssh-public-key.ts";
import { type CreateSessionRequest, decodeCreateSessionRequest } from "./messages.ts";
import { derivedSessionId, isProven, newSessionId, type SessionId } from "./session-id.ts";
import { SessionRefused } from "./sessions.ts";

/** upterm's host knows this refusal by its text. */
const REFUSED_PROOF = "upterm: session proof refused";

interface SessionRequest {
  readonly id: SessionId;
  /** 0: a random id, which nothing can supersede. */
  readonly generation: bigint;
  /** authorized_keys form, without comments. */
  readonly hostKeys: readonly string[];
  /** Base64 blobs of the keys that may join; "anyone" with a key where the host named none. */
  readonly allowed: ReadonlySet<string> | "anyone";
}

/**
 * @param sshSessionId of the host's connection (RFC 4253 §7.2); undefined: not known, so no proof is good
 * @throws MessageError, SessionRefused
 */
export function readSessionRequest(payload: Buffer, sshSessionId: Buffer | undefined): SessionRequest {
  const request = decodeCreateSessionRequest(payload);
  const hostKeys = knownKeys(request.hostPublicKeys);
  if (hostKeys.length === 0) throw new SessionRefused("the request names no host key of a known kind");
  return {
    ...identify(request, hostKeys, sshSessionId),
    hostKeys: hostKeys.map((key) => formatPublicKey({ ...key, comment: "" })),
    allowed: allowedKeys(request),
  };
}

/** @throws SessionRefused the proof is not good */
function identify(
  { identity, hostPublicKeys }: CreateSessionRequest,
  [key]: readonly SshPublicKey[],
  sshSessionId: Buffer | undefined,
): Pick<SessionRequest, "id" | "generation"> {
  if (identity === null) return { id: newSessionId(), generation: 0n };
  // The id follows from one key; nobody would have proved a second one.
  if (
    key === undefined ||
    hostPublicKeys.length !== 1 ||
    sshSessionId === undefined ||
    !isProven(key, sshSessionId, identity)
  ) {
    throw new SessionRefused(REFUSED_PROOF);
  }
  return { id: derivedSessionId(key, identity.secret), generation: identity.generation };
}

/**
 * Leaves out lines of other kinds, such as certificates from an agent: the host has a plain key beside each.
 */
function knownKeys(lines: readonly string[]): SshPublicKey[] {
  return lines.flatMap((line) => {
    try {
      const key = parsePublicKey(line);
      // A line with options allows less than the key alone.
      return key.options === "" ? [key] : [];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return [];
    }
  });
}

/** @throws SessionRefused: a list of which no key is understood must not mean "anyone" */
function allowedKeys({ clientAuthorizedKeys }: CreateSessionRequest): SessionRequest["allowed"] {
  if (clientAuthorizedKeys.length === 0) return "anyone";
  const blobs = new Set(knownKeys(clientAuthorizedKeys).map(({ blob }) => blob));
  if (blobs.size === 0) throw new SessionRefused("none of the keys that may join is of a known kind");
  return blobs;
}
