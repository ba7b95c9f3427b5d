// A failure of the agent's commands: the stage that failed, a stable code, and a sentence that says what to do.

/** The part of a command's work that failed. */
export type Stage =
  | "config"
  | "dns"
  | "tcp"
  | "proxy"
  | "tls"
  | "http"
  | "sign-in"
  | "workspace"
  | "tunnel"
  | "ssh"
  | "keychain"
  | "file";

/** Shown as one line, `sallyport: <stage>: <message>`, which says what is wrong and what to do. Exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly stage: Stage;
  /** A protocol error code, or one of the system's (ECONNREFUSED). */
  readonly code: string;

  constructor(stage: Stage, code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.stage = stage;
    this.code = code;
  }
}
