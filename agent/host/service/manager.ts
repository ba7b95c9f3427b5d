// One interface to the programs that keep services running; managers/ has the three that there are.

import type { Service, ServiceKind } from "./service.ts";

/** As people name them. */
export const MANAGERS = ["systemd", "openrc", "launchd"] as const;

export interface ServiceManager {
  readonly kind: ServiceKind;
  /** The file that describes the service. */
  readonly file: string;
  readonly fileMode: 0o644 | 0o755;
  /** Where the manager keeps no log by itself. */
  readonly logFile: string | undefined;
  /** Credentials can be handed to a service that may not read them itself. */
  readonly handsOverTokens: boolean;
  /** @throws CommandError: something cannot be written in this manager's form */
  text(service: Service): string;
  /** Once the file is there: starts the service, or starts it again, now and with the machine. */
  readonly start: readonly ServiceStep[];
  /** Before the file is removed. */
  readonly stop: readonly ServiceStep[];
  /** After the file was removed. */
  readonly forget: readonly ServiceStep[];
  state(): Promise<ServiceState>;
  /** The command that shows the log. */
  readonly logCommand: readonly string[];
}

export interface ServiceStep {
  readonly words: readonly string[];
  /** It fails where there is nothing to do, and then that is well. */
  readonly mayFail?: true;
  /** It fails for a moment after the step before it, and is tried again for some seconds. */
  readonly retried?: true;
}

export interface ServiceState {
  /** As the manager puts it: `active (running)`. */
  readonly words: string;
  /** `failed`: it has ended although nobody stopped it, whether it is started again or not. */
  readonly is: "running" | "failed" | "stopped";
  /** It starts with the machine or the sign-in; undefined: not known. */
  readonly enabled: boolean | undefined;
  readonly pid: number | undefined;
}
