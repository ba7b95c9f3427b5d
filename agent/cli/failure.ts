// What a person reads when a command fails: one line that names the stage, and the exit code. Loaded only then.

import { ConfigFileError, UnknownWordError, UsageError } from "../../protocol/command/command.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { printable } from "../../protocol/values/printable.ts";
import { redactSecrets, redactTokens } from "../../protocol/values/token.ts";
import { CommandError } from "../platform/command-error.ts";
import { stageOf } from "../platform/stage.ts";
import { nearest } from "./did-you-mean.ts";

export interface Failure {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

export function describeFailure(command: string, error: unknown, verbose: boolean): Failure {
  if (error instanceof UsageError) {
    return {
      lines: [
        `sallyport: ${oneLine(error.message)}${guess(error)}`,
        `see sallyport ${error.command ?? command} --help`,
      ],
      exitCode: 2,
    };
  }
  if (error instanceof CommandError || error instanceof ProtocolError) {
    const stage = error instanceof CommandError ? error.stage : stageOf(error.code);
    const lines = [`sallyport: ${stage}: ${oneLine(error.message)}`];
    if (verbose) lines.push(...causes(error));
    return { lines, exitCode: 1 };
  }
  if (error instanceof ConfigFileError) {
    return { lines: [`sallyport: config: ${oneLine(error.message)}`], exitCode: 1 };
  }
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`sallyport: this is a bug in sallyport: ${oneLine(message)}`];
  if (verbose && error instanceof Error) lines.push(...stack(error), ...causes(error));
  else lines.push("Run it again with SALLYPORT_DEBUG=1 and report what it prints.");
  return { lines, exitCode: 1 };
}

export function describeUnknownCommand(name: string, known: readonly string[]): readonly string[] {
  const near = nearest(name, known);
  const hint = near === undefined ? "" : ` Did you mean \`sallyport ${near}\`?`;
  // It may be a token that was pasted into the wrong place.
  return [
    `sallyport: There is no command ${JSON.stringify(redactTokens(name))}.${hint}`,
    "see sallyport --help",
  ];
}

function guess(error: UsageError): string {
  if (!(error instanceof UnknownWordError)) return "";
  const near = nearest(error.word, error.known);
  return near === undefined ? "" : ` Did you mean ${near}?`;
}

function causes(error: Error): string[] {
  const lines: string[] = [];
  for (let cause = error.cause; cause instanceof Error && lines.length < 5; cause = cause.cause) {
    lines.push(`  because: ${oneLine(`${cause.name}: ${cause.message}`)}`);
  }
  return lines;
}

function stack(error: Error): string[] {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, 8).map(redactSecrets);
}

/** A gateway or a workspace may have chosen the words, so the terminal must not obey them. */
function oneLine(text: string): string {
  return printable(redactSecrets(text).replace(/\s*[\r\n]+\s*/g, " "));
}
