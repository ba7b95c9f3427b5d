// The kinds of values that any command may take. Those with a meaning of their own (a gateway's URL, a workspace) are beside the
// commands that take them.

import { UsageError } from "./command.ts";
import type { ValueType } from "./definition.ts";

export const TEXT: ValueType<string> = text("TEXT");
export const FILE: ValueType<string> = { ...text("FILE"), completion: "files" };
export const DIRECTORY: ValueType<string> = { ...text("DIR"), completion: "directories" };

/** Any text, under a hint of its own. */
export function text(hint: string): ValueType<string> {
  return { hint, read: (given) => given };
}

/** One of these words. */
export function choice<const W extends string>(words: readonly W[], hint: string): ValueType<W> {
  return {
    hint,
    completion: words,
    read(given, name) {
      const word = words.find((known) => known === given);
      if (word !== undefined) return word;
      throw new UsageError(`${name} must be one of ${words.join(", ")}, not ${JSON.stringify(given)}.`);
    },
  };
}

/** A whole number, both ends included. */
export function integer(least: number, most: number, hint = "N"): ValueType<number> {
  return {
    hint,
    read(given, name) {
      const value = Number(given);
      if (/^(0|[1-9]\d{0,15})$/.test(given) && value >= least && value <= most) return value;
      throw new UsageError(
        `${name} must be a number from ${least} to ${most}, not ${JSON.stringify(given)}.`,
      );
    },
  };
}
