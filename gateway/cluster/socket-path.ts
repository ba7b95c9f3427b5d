// Where a worker listens for the others: a Unix socket in a directory that only the gateway's user can enter.

import { join } from "node:path";

export function socketPath(directory: string, slot: number): string {
  return join(directory, `worker-${slot}`);
}
