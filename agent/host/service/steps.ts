// Runs the commands of a service manager, one after the other.

import { setTimeout as delay } from "node:timers/promises";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { ServiceStep } from "./manager.ts";
import type { Ran, ServiceMachine } from "./service-machine.ts";

const TRIES = 20;
const RETRY_MS = 500;

/**
 * Runs all of them, even if the person's terminal ends meanwhile: a service that is stopped and not started again may be their
 * only way back.
 * @throws CommandError stage `config`, code `service_failed`, with what the command said last
 */
export async function runSteps(
  steps: readonly ServiceStep[],
  machine: Pick<ServiceMachine, "run">,
): Promise<void> {
  for (const { words, mayFail, retried } of steps) {
    let ran = await machine.run(words);
    for (let tries = 1; retried && ran.code !== 0 && tries < TRIES; tries++) {
      await delay(RETRY_MS);
      ran = await machine.run(words);
    }
    if (ran.code === 0 || mayFail) continue;
    throw new CommandError("config", "service_failed", `\`${commandText(words)}\` failed: ${lastWords(ran)}`);
  }
}

/** A line that a person can paste. */
export function commandText(words: readonly string[]): string {
  return words.map(quoteForShell).join(" ");
}

function lastWords({ code, stdout, stderr }: Ran): string {
  if (code === undefined) return "there is no such program.";
  const said = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  return said.at(-1)?.trim() ?? `it ended with ${code === null ? "a signal, or after too long" : code}.`;
}
