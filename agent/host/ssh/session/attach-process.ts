// Joins a running process and its session's channel until both have ended. The channel ends in sshd's order: all output,
// exit status, EOF, CLOSE.

import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Channel } from "../../../../protocol/ssh/channel.ts";
import type { SessionProcess } from "./session-process.ts";
import { exitSignalName } from "./signals.ts";

/** After the client has gone, the process has this long to read what was still sent to it. */
const LINGER_MS = 30_000;

/**
 * Resolves when the session is over. Without a PTY that is when nothing holds the pipes any more, which may be after the
 * process has ended (`command &`), as with sshd.
 */
export async function attachProcess(process: SessionProcess, channel: Channel): Promise<void> {
  const { input, output, errors } = process;
  let over = false;
  const clientLeft = () => {
    if (over) return;
    over = true;
    process.hangUp();
    setTimeout(() => input.destroy(), LINGER_MS).unref();
  };
  input.on("error", () => {
    // The process reads no more: tell the client (OpenSSH PROTOCOL §2.1), and drop what is still on its way.
    channel.unpipe(input);
    channel.resume();
    channel.request("eow@openssh.com", Buffer.alloc(0));
  });
  // What the client sent reaches the process even if the client has left.
  channel.pipe(input);
  channel.once("gone", clientLeft);
  channel.once("close", () => {
    clientLeft();
    input.end();
  });
  if (channel.isGone || channel.destroyed) clientLeft();
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
    // Closed before its end, by us or by the terminal's EIO: there is nothing more to read.
  }
}
