// Asks a person on the terminal: for a secret, without showing it, for a choice, or for a yes.

import { createInterface } from "node:readline/promises";
import { addAbortSignal, type Readable, type Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { CommandError } from "../platform/command-error.ts";

const MAX_SECRET = 4096;

export function isTerminal(stream: Readable): stream is ReadStream {
  return stream instanceof ReadStream && stream.isTTY;
}

/**
 * Reads one line without echo. Backspace, Ctrl-U and a paste work; Ctrl-C and Ctrl-D end it.
 * @throws CommandError stage `sign-in`, code `cancelled`
 */
export async function askSecret(
  question: string,
  input: ReadStream,
  output: Writable,
  signal: AbortSignal,
): Promise<string> {
  // Echo goes off first, so that nothing that is typed once the question shows is visible.
  input.setRawMode(true);
  output.write(question);
  input.setEncoding("utf8");
  try {
    return await new Promise<string>((resolve, reject) => {
      let secret = "";
      const cancel = () => reject(new CommandError("sign-in", "cancelled", "Nothing was entered."));
      input.on("end", cancel);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      input.on("data", (part: string) => {
        for (const character of part) {
          if (character === "\r" || character === "\n") return resolve(secret);
          if (character === "\u0003" || character === "\u0004") return cancel();
          if (character === "\u007f" || character === "\b") secret = secret.slice(0, -1);
          else if (character === "\u0015") secret = "";
          else if (secret.length < MAX_SECRET) secret += character;
        }
      });
      input.resume();
    });
  } finally {
    input.setRawMode(false);
    input.pause();
    input.removeAllListeners("data");
    output.write("\n");
  }
}

/** Asks for a number from 1 and returns the index. Asks again after any other answer. */
export async function askChoice(
  question: string,
  choices: readonly string[],
  input: ReadStream,
  output: Writable,
  signal: AbortSignal,
): Promise<number> {
  for (const [index, choice] of choices.entries()) output.write(`  ${index + 1}  ${choice}\n`);
  const lines = createInterface({ input, output, terminal: false });
  try {
    for (;;) {
      const answer = (await lines.question(`${question} [1-${choices.length}] `, { signal })).trim();
      const number = Number(answer);
      if (/^\d+$/.test(answer) && number >= 1 && number <= choices.length) return number - 1;
    }
  } finally {
    lines.close();
  }
}

/** Reads a stream that is not a terminal to its end, as text. @throws CommandError beyond 4 KiB */
export async function readSecretFrom(input: Readable, signal: AbortSignal): Promise<string> {
  addAbortSignal(signal, input);
  let text = "";
  for await (const part of input) {
    text += String(part);
    if (text.length > MAX_SECRET)
      throw new CommandError("sign-in", "bad_token", "This is too long for a token.");
  }
  return text.trim();
}

/** Asks for a yes; anything else is a no. */
export async function askYesNo(
  question: string,
  input: ReadStream,
  output: Writable,
  signal: AbortSignal,
): Promise<boolean> {
  const lines = createInterface({ input, output, terminal: false });
  try {
    // The end of the input is a no.
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    return /^y(?:es)?$/i.test(
      (await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended])).trim(),
    );
  } finally {
    lines.close();
  }
}
