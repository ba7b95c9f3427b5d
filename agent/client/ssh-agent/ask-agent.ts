// Asks an SSH agent for the public keys that it holds, over its Unix socket or named pipe. By the protocol and not by
// `ssh-add -L`, which knows no named agent on Windows, hides certificates behind their text form, and costs a process.

import { connect } from "node:net";
import { systemCode } from "../../platform/files/private-file.ts";
import { whenOverdue } from "../../platform/overdue.ts";
import { type AgentIdentity, answerLength, IDENTITIES_REQUEST, parseIdentities } from "./agent-protocol.ts";

/** A locked 1Password or a hung forward must not hold a connection up. */
export const AGENT_TIMEOUT_MS = 2_000;

export type AgentAnswer =
  | { readonly kind: "identities"; readonly identities: readonly AgentIdentity[] }
  /** Nobody listens there, it says something else, or it says nothing. */
  | { readonly kind: "unreachable"; readonly reason: string };

/** Never throws: an agent that does not answer holds no keys for ssh either. */
export function askAgent(path: string, timeoutMs = AGENT_TIMEOUT_MS): Promise<AgentAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (answer: AgentAnswer): void => {
      callOff();
      socket.destroy();
      resolve(answer);
    };
    const fail = (reason: string): void => settle({ kind: "unreachable", reason });
    const callOff = whenOverdue(timeoutMs, () => fail(`no answer within ${timeoutMs / 1000} s`));
    let received = Buffer.alloc(0);
    socket.on("connect", () => socket.write(IDENTITIES_REQUEST));
    socket.on("data", (chunk: Buffer) => {
      // One answer is at most MAX_ANSWER_BYTES, which answerLength sees to as soon as its length is here.
      received = Buffer.concat([received, chunk]);
      try {
        const length = answerLength(received);
        if (length === undefined || received.length < 4 + length) return;
        settle({ kind: "identities", identities: parseIdentities(received.subarray(4, 4 + length)) });
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error));
      }
    });
    socket.on("error", (error) => fail(systemCode(error)));
    socket.on("close", () => fail("it closed the connection"));
  });
}
