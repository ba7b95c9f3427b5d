// Passes arguments that are not UTF-8 from our own command line to another program. Node decodes ours and encodes the other's,
// and turns invalid bytes into U+FFFD. Without /proc, such arguments stay as Node decoded them.

import { readFileSync } from "node:fs";
import { bytesOf, isEncodable, textOf } from "../../../protocol/values/byte-text.ts";
import { DECODE_WORDS, encodeWords } from "../../platform/byte-words.ts";

/** `args`, the last arguments of this process, as texts that keep their bytes (protocol/values/byte-text.ts). */
export function rawArguments(args: readonly string[], commandLine = ownCommandLine): readonly string[] {
  if (!args.some((argument) => argument.includes("\ufffd"))) return args;
  const words = commandLine()?.map(textOf).slice(-args.length) ?? [];
  // Only if the command line is really this one.
  const isSame =
    words.length === args.length && words.every((word, at) => bytesOf(word).toString() === args[at]);
  return isSame ? words : args;
}

/** Program and arguments that start `program` with such texts as its arguments. */
export function startable(program: string, args: readonly string[]): readonly [string, readonly string[]] {
  if ([program, ...args].every(isEncodable)) return [program, args];
  const script = `${DECODE_WORDS}; exec "$@"`;
  return ["/bin/sh", ["-c", script, "sh", ...encodeWords([program, ...args])]];
}

function ownCommandLine(): Buffer[] | undefined {
  try {
    const bytes = readFileSync("/proc/self/cmdline");
    const words: Buffer[] = [];
    for (let start = 0, end = bytes.indexOf(0); end !== -1; start = end + 1, end = bytes.indexOf(0, start)) {
      words.push(bytes.subarray(start, end));
    }
    return words;
  } catch {
    return undefined;
  }
}
