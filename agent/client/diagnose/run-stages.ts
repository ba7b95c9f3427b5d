// Runs the stages of a diagnosis in order, each with its own deadline. Stages that need a failed one are skipped. This file does
// not know what the stages do.

import { ProtocolError } from "../../../protocol/errors.ts";
import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";
import {
  STAGES,
  type StageId,
  type StageProgress,
  type StageReport,
  titleOf,
  type Verdict,
} from "./report.ts";

export interface Stage {
  readonly id: StageId;
  readonly deadlineMs: number;
  /** The stages that have to succeed before this one can run. */
  needs(): readonly StageId[];
  /** The signal is aborted at the deadline. An error that it throws becomes the stage's failure. */
  run(signal: AbortSignal): Promise<Verdict>;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Called in order; must not throw. */
  readonly onStage: (stage: StageProgress) => void;
  /** The verdict on an error that a stage threw. */
  readonly explain: (id: StageId, error: unknown) => Verdict;
  /** Removes secrets from a report before it is passed on. */
  readonly clean: (stage: StageReport) => StageReport;
}

/** @throws the signal's reason when it is aborted */
export async function runStages(stages: readonly Stage[], options: RunOptions): Promise<StageReport[]> {
  const reports: StageReport[] = [];
  for (const { id } of STAGES) {
    const stage = stages.find((one) => one.id === id);
    if (stage === undefined) continue;
    const title = titleOf(id);
    options.signal.throwIfAborted();
    const started = performance.now();
    const blocker = blockerOf(stage, reports);
    let verdict: Verdict;
    if (blocker === undefined) {
      options.onStage({ status: "running", id, title });
      verdict = await runOne(stage, options);
    } else {
      const detail = `Skipped: it needs "${titleOf(blocker)}", which failed.`;
      verdict = { status: "skipped", detail, blockedBy: blocker };
    }
    const ms = blocker === undefined ? Math.round(performance.now() - started) : 0;
    const report = options.clean({ id, title, ms, ...verdict });
    reports.push(report);
    options.onStage(report);
  }
  return reports;
}

async function runOne(stage: Stage, { signal, explain }: RunOptions): Promise<Verdict> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new DeadlineError(stage.deadlineMs)), stage.deadlineMs);
  const either = AbortSignal.any([signal, deadline.signal]);
  try {
    // A stage that ignores its signal must not delay the others.
    return await Promise.race([stage.run(either), aborted(either)]);
  } catch (error) {
    signal.throwIfAborted();
    return explain(stage.id, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The stage whose failure keeps this one from running: the failed stage itself, not one that was skipped because of it. */
function blockerOf(stage: Stage, reports: readonly StageReport[]): StageId | undefined {
  for (const need of stage.needs()) {
    const report = reports.find(({ id }) => id === need);
    if (report?.status === "fail") return report.id;
    if (report?.status === "skipped" && report.blockedBy !== undefined) return report.blockedBy;
  }
  return undefined;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

class DeadlineError extends Error {
  override readonly name = "DeadlineError";

  constructor(ms: number) {
    super(`There was no answer within ${ms / 1000} s.`);
  }
}

/** The stable code of anything that was thrown. */
export function codeOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof ProtocolError) return error.code;
  if (error instanceof DeadlineError) return "deadline";
  return errorCode(error) ?? "failed";
}
