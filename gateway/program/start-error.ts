// Why a gateway does not start, or is not ready: one line for a person that names the stage. The command shows it once.

/**
 * `file`: data directory or database. `tcp`: an address to listen on. `tls`: certificate and key. `worker`: of several.
 * `health`: whether it is ready.
 */
export const START_STAGES = ["file", "tcp", "tls", "worker", "health"] as const;
export type StartStage = (typeof START_STAGES)[number];

export class StartError extends Error {
  readonly stage: StartStage;

  constructor(stage: StartStage, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "StartError";
    this.stage = stage;
  }
}

/** The system's short reason (`EACCES: permission denied`) or an error's first line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error.message.split("\n")[0] ?? "").replace(/, (open|mkdir|scandir|stat|lstat|chmod) .*$/, "");
}
