// Node goes on reading a socket that it gives to another process until that one has confirmed it, and drops what it reads
// (lib/internal/child_process.js): the first bytes of a peer that is answered quickly would be lost. There is no public
// way to stop it, so this touches the one private part that does: the handle's `readStop`.

import type { Socket } from "node:net";

interface Handle {
  reading: boolean;
  readStop(): number;
}

/** To be called before a socket is sent, and in the same turn in which one is received to be sent on. false: it cannot be done. */
export function stopReading(socket: Socket): boolean {
  const handle = "_handle" in socket ? socket._handle : undefined;
  if (!isHandle(handle)) return false;
  handle.reading = false;
  return handle.readStop() === 0;
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === "object" && value !== null && "readStop" in value && typeof value.readStop === "function"
  );
}
