// How long starts take: CPU time is what can be compared on a busy machine. The subjects take turns, so that all of them see the
// same machine.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { newAccessToken } from "../../../protocol/values/token.ts";
import { CLI } from "../../../scripts/repository.ts";

const run = promisify(execFile);

export interface StartTime {
  readonly name: string;
  /** Medians, in ms. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

type Command = readonly [string, ...string[]];

/** A companion's start, to the refusal of its first connection, and Node's own with nothing to do. */
export async function companionStarts(executable: string, rounds: number): Promise<StartTime[]> {
  const gateway = `http://127.0.0.1:${await closedPort()}`;
  const tunnel = ["tunnel", gateway, "box"];
  return await startTimes(
    [
      ["node -e 0", [process.execPath, "-e", "0"]],
      ["the executable", [executable, ...tunnel]],
      ["node dist/cli.js", [process.execPath, CLI, ...tunnel]],
    ],
    { SALLYPORT_TOKEN: newAccessToken(), SALLYPORT_GATEWAY: gateway },
    rounds,
  );
}

async function startTimes(
  subjects: readonly (readonly [name: string, command: Command])[],
  variables: NodeJS.ProcessEnv,
  rounds: number,
): Promise<StartTime[]> {
  const home = await mkdtemp(join(tmpdir(), "sallyport-start-"));
  try {
    const env = { PATH: process.env.PATH, HOME: home, SALLYPORT_KEYCHAIN: "off", ...variables };
    const samples = subjects.map(([name]) => ({ name, cpu: [] as number[], wall: [] as number[] }));
    for (let round = -1; round < rounds; round++) {
      for (const [index, [, command]] of subjects.entries()) {
        const [wall = 0, user = 0, system = 0] = await timed(command, env);
        if (round < 0) continue; // The first one fills caches.
        samples[index]?.cpu.push(user + system);
        samples[index]?.wall.push(wall);
      }
    }
    return samples.map(({ name, cpu, wall }) => ({ name, cpuMs: median(cpu), wallMs: median(wall) }));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Wall, user and system time in ms. */
async function timed(command: Command, env: NodeJS.ProcessEnv): Promise<number[]> {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1 </dev/null; exit 0';
  const { stderr } = await run("bash", ["-c", script, "bash", ...command], { env });
  return stderr
    .trim()
    .split(" ")
    .map((seconds) => Number(seconds) * 1000);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** A port that refuses: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 1;
}
