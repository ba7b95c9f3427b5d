// How a command of the agent fails: the stage that failed, a stable code, and a sentence that says what to do.

/** Where on the way a command failed. */
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

/** A failure that is shown as one line, `sallyport: <stage>: <message>`: what is wrong and what to do. Exit code 1. */
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
