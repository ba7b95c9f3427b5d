// What a host that runs as a service is, whichever program keeps it running: the words of its command line and the account it
// runs as. The files in managers/ write it down in the manager's own form.

import { CommandError } from "../../platform/command-error.ts";

/** The name of the unit, the plist's label and the init script. */
export const SERVICE_NAME = "sallyport-host";

export type ServiceKind = "systemd-user" | "systemd-system" | "openrc" | "launch-agent" | "launch-daemon";

export interface Service {
  /** What starts `sallyport`, all paths absolute. */
  readonly program: readonly string[];
  /** The arguments behind it, beginning with `host`. The token file is not among them. */
  readonly args: readonly string[];
  readonly tokenFile: string | undefined;
  /** The token file belongs to root and the host does not run as root: systemd hands it over (LoadCredential). */
  readonly handsOverToken: boolean;
  /** The host's state directory, where it says whether it is online. */
  readonly state: string;
  /** The account that a service of the whole machine runs as; undefined: a service of one account. */
  readonly user: string | undefined;
  /** That account's home directory. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the manager has no log of its own. */
  readonly logFile: string | undefined;
}

/** Newlines would end a line of a unit, and no manager's file can hold the other control characters. */
const CONTROL = /\p{Cc}/u;

/** @throws CommandError stage `config`, code `unwritable_argument` */
export function refuseControlCharacters({ program, args, tokenFile, env, state, home }: Service): void {
  const words = [...program, ...args, tokenFile ?? "", state, home, ...Object.values(env)];
  const bad = words.find((word) => CONTROL.test(word));
  if (bad === undefined) return;
  throw new CommandError(
    "config",
    "unwritable_argument",
    `${JSON.stringify(bad)} has a control character, which a service's file cannot hold: choose a different value.`,
  );
}

/** The arguments with the token file, for managers that hand over no credentials. */
export function argumentsOf({ args, tokenFile }: Service): readonly string[] {
  return tokenFile === undefined ? args : [...args, "--token-file", tokenFile];
}

/** @throws CommandError stage `config`, code `unwritable_argument`: the manager takes no program with such a path */
export function refuseProgramPath(path: string, refused: RegExp, manager: string): void {
  if (!refused.test(path)) return;
  throw new CommandError(
    "config",
    "unwritable_argument",
    `${manager} cannot start ${JSON.stringify(path)}: install sallyport at a path of plain letters, digits, ., _ and -.`,
  );
}
