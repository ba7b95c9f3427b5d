// Why a resumable stream was lost for good, in words that a person reads as the last line of ssh.

import { assertNever } from "../assert-never.ts";
import type { Broken } from "./driver/connection.ts";
import { RESET } from "./frame.ts";
import type { Welcome } from "./handshake.ts";

export type LostCode =
  | "workspace_restarted"
  | "workspace_gone"
  | "grace_over"
  | "taken_over"
  | "refused"
  | "protocol_error";

export class StreamLostError extends Error {
  override readonly name = "StreamLostError";
  readonly code: LostCode;

  constructor(code: LostCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
  }
}

/** What the host's RESET means. @param welcome the host's last answer */
export function lostBy({ code, instance }: Broken, welcome: Welcome | undefined): StreamLostError {
  switch (code) {
    case RESET.unknown:
      return instance !== undefined && welcome?.instance.equals(instance) === false
        ? new StreamLostError("workspace_restarted", "the workspace was restarted, and its sessions with it")
        : new StreamLostError("grace_over", "the workspace had stopped waiting for this connection");
    case RESET.stopping:
      return new StreamLostError("workspace_gone", "the workspace's host was stopped");
    case RESET.gone:
      return new StreamLostError("workspace_gone", "the workspace's side of the connection ended");
    case RESET.refused:
      return new StreamLostError("refused", "the workspace refused to go on with this connection");
    case RESET.busy:
      return new StreamLostError("refused", "the workspace has as many connections open as it allows");
    case RESET.version:
    case RESET.protocol:
      return new StreamLostError(
        "protocol_error",
        "the workspace's host speaks a different version of the resume protocol",
      );
    default:
      return assertNever(code);
  }
}
