// After Node passes a socket to another process, it keeps reading from it until that process confirms, and
// drops what it reads (lib/internal/child_process.js): the first bytes of a peer that is answered quickly
// would be lost. No public function stops that, so this calls the private one that does: the handle's
// `readStop`.

import type { Socket } from "node:net";

interface Handle {
  reading: boolean;
  readStop(): number;
}

/**
 * To be called before a socket is sent and, where a received one is sent on, in the turn that received it.
 * Returns false where reading cannot be stopped.
 */
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
