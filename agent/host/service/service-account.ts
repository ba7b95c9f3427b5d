// The account that a service runs as, which need not be the one that installs it.

import { CommandError } from "../../platform/command-error.ts";
import type { ServiceMachine } from "./service-machine.ts";

export interface ServiceAccount {
  readonly name: string;
  readonly uid: number;
  /** A service of the whole machine. */
  readonly isSystem: boolean;
  /** The person who installs it has the same account and home, and so the same configuration file and sign-ins. */
  readonly isSelf: boolean;
  /** What its directories depend on. */
  readonly paths: { readonly home: string; readonly env: Readonly<Record<string, string | undefined>> };
}

/**
 * @param user undefined: root for a service of the whole machine, else the person's own account
 * @throws CommandError stage `config`: no_such_account, user_without_system
 */
export async function serviceAccount(
  user: string | undefined,
  isSystem: boolean,
  machine: ServiceMachine,
): Promise<ServiceAccount> {
  if (!isSystem) {
    const { userName: name, uid, home, env } = machine;
    if (user === undefined || user === name)
      return { name, uid, isSystem, isSelf: true, paths: { home, env } };
    throw new CommandError(
      "config",
      "user_without_system",
      "--user is for services of the whole machine: add --system and run the command with sudo.",
    );
  }
  const name = user ?? "root";
  // Whatever sudo leaves in HOME, the service gets the home of its account.
  const [uid, home] = await Promise.all([uidOf(name, machine), homeOf(name, machine)]);
  const isSelf = uid === machine.uid && home === machine.home;
  return { name, uid, isSystem, isSelf, paths: { home, env: {} } };
}

async function uidOf(name: string, machine: ServiceMachine): Promise<number> {
  const isName = /^[A-Za-z_][\w.-]{0,63}$/.test(name);
  const { code, stdout } = isName ? await machine.run(["id", "-u", name]) : { code: 1, stdout: "" };
  if (code === 0 && /^\d+\s*$/.test(stdout)) return Number(stdout);
  throw new CommandError(
    "config",
    "no_such_account",
    `There is no account ${JSON.stringify(name)} on this machine: pass the name of one with --user.`,
  );
}

/** The shell knows all accounts, those of a directory service too. */
async function homeOf(name: string, machine: ServiceMachine): Promise<string> {
  if (!/^[A-Za-z_][\w.-]{0,63}$/.test(name)) return "/";
  const { stdout } = await machine.run(["sh", "-c", `echo ~${name}`]);
  const home = stdout.trim();
  return home.startsWith("/") ? home : "/";
}
