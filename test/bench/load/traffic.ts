// The near end of a measurement: bytes there, bytes back, and one message at a time, over whatever connection leads to
// the target.

import { randomFillSync } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { COMMAND, COMMAND_BYTES } from "./target.ts";

export interface Connection {
  readonly input: Writable;
  readonly output: Readable;
  close(): Promise<void> | void;
}

/** Nothing moved for this long: the subject has failed, and the run must not wait for it. */
const STALLED_MS = 60_000;
const block = randomFillSync(Buffer.alloc(64 * 1024));

export async function upload({ input, output }: Connection, bytes: number): Promise<void> {
  input.write(command(COMMAND.take, bytes));
  let left = bytes;
  const answered = receive(output, 1);
  const pump = (): void => {
    while (left > 0) {
      const part = left >= block.length ? block : block.subarray(0, left);
      left -= part.length;
      if (!input.write(part) && left > 0) {
        input.once("drain", pump);
        return;
      }
    }
  };
  pump();
  await answered;
}

export async function download({ input, output }: Connection, bytes: number): Promise<void> {
  input.write(command(COMMAND.give, bytes));
  await receive(output, bytes);
}

/** Milliseconds of each of `rounds` messages of `size` bytes, there and back, one after the other. */
export async function echo({ input, output }: Connection, rounds: number, size = 64): Promise<number[]> {
  const message = block.subarray(0, size);
  input.write(command(COMMAND.echo, rounds * size));
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const back = receive(output, size);
    input.write(message);
    await back;
    times.push(performance.now() - start);
  }
  return times;
}

/** Calls `onBytes` for every piece of an endless `give`; returns a function that stops the counting. */
export function downloadForEver({ input, output }: Connection, onBytes: (count: number) => void): void {
  output.on("data", (data: Buffer) => onBytes(data.length));
  input.write(command(COMMAND.give, 2 ** 50));
}

/** Sends until `signal` aborts. The connection cannot be used for anything else afterwards. */
export function uploadForEver({ input, output }: Connection, signal: AbortSignal): void {
  const pump = (): void => {
    while (!signal.aborted && !input.destroyed) {
      if (!input.write(block)) {
        input.once("drain", pump);
        return;
      }
    }
  };
  for (const side of [input, output]) side.on("error", () => undefined); // It is cut in the middle.
  output.resume();
  input.write(command(COMMAND.take, 2 ** 50));
  pump();
}

/** Settles when `bytes` have arrived on `output`, and not one more. */
function receive(output: Readable, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    let seen = left;
    const settle = (): void => {
      clearInterval(timer);
      output.off("data", onData).off("close", onEnd).off("end", onEnd).off("error", onEnd);
    };
    const fail = (why: string): void => {
      settle();
      reject(new Error(`${why}, ${left} of ${bytes} bytes short`));
    };
    const onData = (data: Buffer): void => {
      left -= data.length;
      if (left > 0) return;
      if (left < 0) fail("more came than was asked for");
      settle();
      resolve(); // Nothing after a failure.
    };
    const onEnd = (error?: Error): void => fail(`the connection ended${error ? ` (${error.message})` : ""}`);
    const timer = setInterval(() => {
      if (left === seen) fail(`nothing came for ${STALLED_MS / 1000} s`);
      seen = left;
    }, STALLED_MS);
    output.on("data", onData).once("close", onEnd).once("end", onEnd).once("error", onEnd);
  });
}

function command(letter: number, bytes: number): Buffer {
  const header = Buffer.alloc(COMMAND_BYTES);
  header[0] = letter;
  header.writeBigUInt64BE(BigInt(bytes), 1);
  return header;
}
