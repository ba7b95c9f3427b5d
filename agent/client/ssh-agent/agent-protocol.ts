// The messages for the one question that Sallyport asks an SSH agent: its identities (draft-ietf-sshm-ssh-agent §3.5, OpenSSH
// PROTOCOL.agent). Pure.

import { WireError, WireReader } from "../../../protocol/ssh/wire.ts";

const SSH_AGENT_FAILURE = 5;
const SSH_AGENTC_REQUEST_IDENTITIES = 11;
const SSH_AGENT_IDENTITIES_ANSWER = 12;

/** OpenSSH's own bounds (authfd.c, authfd.h): bytes of an answer, and identities in one. */
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_IDENTITIES = 2048;

export interface AgentIdentity {
  /** A public key or a certificate, in wire form. */
  readonly blob: Buffer;
  readonly comment: string;
}

/** SSH_AGENTC_REQUEST_IDENTITIES, preceded by its length. */
export const IDENTITIES_REQUEST: Uint8Array = Buffer.from([0, 0, 0, 1, SSH_AGENTC_REQUEST_IDENTITIES]);

/**
 * The length of the answer that begins with these bytes; undefined while there are fewer than four.
 * @throws WireError the answer is too long
 */
export function answerLength(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  if (length === 0 || length > MAX_ANSWER_BYTES) {
    throw new WireError(`The agent's answer is ${length} bytes long.`);
  }
  return length;
}

/**
 * The identities in an answer, which is given without its length. None if the agent is locked or refuses.
 * @throws WireError the bytes are not an answer to the question
 */
export function parseIdentities(answer: Buffer): AgentIdentity[] {
  const reader = new WireReader(answer);
  const type = reader.byte();
  if (type === SSH_AGENT_FAILURE) return [];
  if (type !== SSH_AGENT_IDENTITIES_ANSWER) throw new WireError(`The agent answered with message ${type}.`);
  const count = reader.uint32();
  if (count > MAX_IDENTITIES) throw new WireError(`The agent holds ${count} identities.`);
  const identities: AgentIdentity[] = [];
  for (let index = 0; index < count; index++) {
    const blob = Buffer.from(reader.string());
    const comment = reader.string().subarray(0, 400).toString("utf8");
    identities.push({ blob, comment: comment.replace(/\p{Cc}/gu, " ").trim() });
  }
  return identities;
}
