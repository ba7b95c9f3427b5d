// Joins a session's process and its channel until both have ended, in sshd's order: all output, exit status, EOF, CLOSE.

import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Channel } from "../../../../protocol/ssh/channel.ts";
import type { SessionProcess } from "./session-process.ts";
import { exitSignalName } from "./signals.ts";

/** What is left for the process after the client has gone is given this long to be read (ms). */
const LINGER_MS = 30_000;

/**
 * Resolves when the session is over. Without a PTY that is when nobody holds the pipes any more, be it after the
 * process has ended (`command &`), as with sshd.
 */
export async function runProcess(process: SessionProcess, channel: Channel): Promise<void> {
  let over = false;
  const left = () => {
    if (over) return;
    over = true;
    process.hangUp();
    setTimeout(() => input.destroy(), LINGER_MS).unref();
  };
  const { input, output, errors } = process;
  input.on("error", () => {
    // The process reads no more: tell the client so (OpenSSH PROTOCOL §2.1) and drop what is still on its way.
    channel.unpipe(input);
    channel.resume();
    channel.request("eow@openssh.com", Buffer.alloc(0));
  });
  // What the client sent reaches the process, also where the client has left since.
  channel.pipe(input);
  channel.once("gone", left);
  channel.once("close", () => {
    left();
    input.end();
  });
  if (channel.isGone || channel.destroyed) left();
  output.pipe(channel, { end: false });
  errors?.pipe(channel.stderr, { end: false });

  const [exit] = await Promise.all([process.exited, ended(output), errors && ended(errors)]);
  if (over) return;
  channel.unpipe(input);
  channel.resume();
  await channel.flushed();
  over = true;
  input.destroy();
  if (exit.signal === undefined) channel.exit(exit.code);
  else channel.exitSignal(exitSignalName(exit.signal), "");
  channel.close();
}

async function ended(stream: Readable): Promise<void> {
  try {
    await finished(stream, { writable: false });
  } catch {
    // Closed before its end, by us or by the terminal's EIO: there is no more to read either way.
  }
}
