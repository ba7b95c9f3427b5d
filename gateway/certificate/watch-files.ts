// Notices that somebody has renewed the certificate's files: certbot, or a cluster that renews a mounted secret, where nobody can send
// a signal.

import { unwatchFile, watchFile } from "node:fs";

const INTERVAL_MS = 10_000;

/** Calls `changed` after each change of one of the files, also if a link now leads to a different one. */
export function watchFiles(
  files: readonly string[],
  changed: () => void,
  intervalMs: number = INTERVAL_MS,
): { stop(): void } {
  // Links on the path may be what changes, so the files are looked at instead of their directories being watched.
  for (const file of files) watchFile(file, { interval: intervalMs, persistent: false }, changed);
  return {
    stop: () => {
      for (const file of files) unwatchFile(file, changed);
    },
  };
}
