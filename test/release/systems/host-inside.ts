// Another host in a container, besides the one of its stack, and ssh into it.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { type Program, startProgram } from "../../support/programs/program.ts";
import { type InstalledStack, PROGRAM } from "./installed-stack.ts";

const Ready = Type.Object({
  event: Type.Literal("ready"),
  workspace: Type.Object({ id: Type.String(), name: Type.String() }),
});

export interface HostInside {
  readonly name: string;
  /** What starts before the program: `unshare`, `env`. */
  readonly before?: readonly string[];
  readonly args?: readonly string[];
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Returns once it is online. The token comes by the environment, since other users cannot read the person's file. */
export async function startHostInside(
  { container, stack, directory }: InstalledStack,
  { name, before = [], args = [], uid = 0, env = {} }: HostInside,
): Promise<Program<unknown>> {
  const token = readFileSync(stack.gateway.tokenFile, "utf8").trim();
  return await startProgram({
    name: "the host",
    command: container.words([...before, PROGRAM, "host", "--json", "--name", name, ...args], uid),
    env: {
      PATH: process.env.PATH,
      SALLYPORT_TOKEN: token,
      SALLYPORT_GATEWAY: stack.gateway.url,
      SALLYPORT_KEYCHAIN: "off",
      ...env,
    },
    cwd: "/",
    logFile: join(directory, `host-${name}.log`),
    schema: Ready,
  });
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in a workspace by the machine's own ssh, through the gateway's SSH port. */
export function sshInto(
  { stack }: InstalledStack,
  name: string,
  command: string,
  options: readonly string[] = [],
): Promise<Ran> {
  const pinned = ["-o", "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR"];
  const args = ["-F", stack.sshConfig, ...options, ...pinned, "-o", `User=${name}`, "gateway", command];
  return new Promise((resolve) => {
    execFile("ssh", args, { encoding: "utf8", timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
