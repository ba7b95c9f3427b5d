// Asks an SSH agent for the public keys that it holds, over its Unix socket or named pipe. Not with `ssh-add -L`, which cannot
// ask an agent at another pipe on Windows, and costs a process.

import { connect } from "node:net";
import { systemCode } from "../../platform/files/private-file.ts";
import { whenOverdue } from "../../platform/overdue.ts";
import { type AgentIdentity, answerLength, IDENTITIES_REQUEST, parseIdentities } from "./agent-protocol.ts";

/** So that a locked 1Password or a hung forward does not delay a connection for long. */
export const AGENT_TIMEOUT_MS = 2_000;

export type AgentAnswer =
  | { readonly kind: "identities"; readonly identities: readonly AgentIdentity[] }
  /** Nothing listens there, it does not speak the protocol, or it does not answer in time. */
  | { readonly kind: "unreachable"; readonly reason: string };

/** Never throws: an agent that does not answer has no keys for ssh either. */
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
      // Bounded, because answerLength refuses an answer that is longer than MAX_ANSWER_BYTES.
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
