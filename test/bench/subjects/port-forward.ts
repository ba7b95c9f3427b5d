// What most peers are: a client that listens on a local port, in front of a server that runs already.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type CommandLine, startListener } from "../running-process.ts";
import { connectTo, findProgram, type Running, requireProgram, type Subject } from "./subject.ts";

/** The server goes with its client, also where that one does not start. @throws what `startListener` throws */
export async function portForward(
  server: { readonly pid: number; stop(): Promise<void> },
  client: { readonly command: CommandLine; readonly port: number; readonly env?: NodeJS.ProcessEnv },
  cwd: string,
): Promise<Running> {
  const { command, port, ...more } = client;
  const options = { cwd, logFile: join(cwd, "client.log"), ...more };
  const near = await startListener(command, port, options).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return {
    connect: () => connectTo(port),
    pids: () => [near.pid, server.pid],
    serverPids: () => [server.pid],
    stop: async () => {
      await near.stop();
      await server.stop();
    },
  };
}

/** The parts of a subject that is one program, which says its version by `--version`. */
export function ofProgram(program: string): Pick<Subject, "program" | "missing" | "version"> {
  return {
    program,
    missing: () => (findProgram(program) === undefined ? `no ${program} on PATH` : undefined),
    version: () => spawnSync(requireProgram(program), ["--version"], { encoding: "utf8" }).stdout.trim(),
  };
}
