// Waits until a host that was just started as a service is registered at its gateway.

import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../../platform/command-error.ts";
import { readRunningNote } from "../running-note.ts";
import type { ServiceManager } from "./manager.ts";
import type { ServiceMachine } from "./service-machine.ts";
import { commandText } from "./steps.ts";

const POLL_MS = 250;
/** Each look at the manager starts a program. */
const POLLS_PER_STATE = 4;

/**
 * @param state the host's state directory
 * @param since when it was started, in ms since 1970: an older note is a former host's
 * @throws CommandError stage `workspace`: host_ended, host_timeout, with the last lines of the log
 */
export async function waitUntilOnline(
  state: string,
  since: number,
  manager: ServiceManager,
  machine: Pick<ServiceMachine, "run">,
  signal: AbortSignal,
  deadlineMs = 45_000,
): Promise<void> {
  for (let polls = 0; polls * POLL_MS < deadlineMs; polls++) {
    const note = readRunningNote(state);
    const isNew = note !== undefined && note.startedAt >= since;
    if (isNew && note.online) return;
    if (polls % POLLS_PER_STATE === POLLS_PER_STATE - 1 && (await manager.state()).is === "failed") {
      throw await failure("host_ended", "The service is installed, but the host has ended", manager, machine);
    }
    await delay(POLL_MS, undefined, { signal });
  }
  const why = readRunningNote(state)?.why ?? "";
  const said = why === "" ? "" : ` (${why})`;
  throw await failure(
    "host_timeout",
    `The service is installed and goes on trying, but the host is not online yet${said}`,
    manager,
    machine,
  );
}

async function failure(
  code: string,
  what: string,
  { logCommand }: ServiceManager,
  machine: Pick<ServiceMachine, "run">,
): Promise<CommandError> {
  const { stdout } = await machine.run(logCommand);
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  // What the host says of itself; the rest is how to connect to it.
  const own = lines.filter((line) => line.includes("sallyport: "));
  const last = (own.length === 0 ? lines : own).slice(-3);
  const said = last.length === 0 ? "" : ` Its last words: ${last.join(" / ")}`;
  return new CommandError("workspace", code, `${what}: see \`${commandText(logCommand)}\`.${said}`);
}
