// Arguments that are not UTF-8, from our own command line to that of another program: Node decodes the one and encodes the other,
// and what it cannot is U+FFFD in between. Where there is no /proc, such arguments stay as Node has them.

import { readFileSync } from "node:fs";
import { bytesOf, isEncodable, textOf } from "../../../protocol/values/byte-text.ts";
import { DECODE_WORDS, encodeWords } from "../../platform/byte-words.ts";

/** `args`, the last of this process's, as texts that give their bytes back (protocol/values/byte-text.ts). */
export function rawArguments(args: readonly string[], commandLine = ownCommandLine): readonly string[] {
  if (!args.some((argument) => argument.includes("\ufffd"))) return args;
  const words = commandLine()?.map(textOf).slice(-args.length) ?? [];
  // Nothing is taken from a command line that is not this one.
  const isSame =
    words.length === args.length && words.every((word, at) => bytesOf(word).toString() === args[at]);
  return isSame ? words : args;
}

/** Program and arguments to start another one with such texts. */
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
