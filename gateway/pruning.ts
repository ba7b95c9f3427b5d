// Deletes what the store no longer needs, at the start and once an hour. One process of a gateway does it.

import type { Logger } from "pino";
import type { LinkRegistry } from "./link/registry.ts";
import type { Store } from "./store/store.ts";

const PRUNE_MS = 3_600_000;

export function startPruning(store: Store, registry: LinkRegistry, log: Logger): { stop(): Promise<void> } {
  let running = Promise.resolve();
  const prune = (): void => {
    running = store
      .prune((id) => registry.online(id) !== undefined)
      .catch((error: unknown) => log.error({ err: error }, "Old rows could not be pruned."));
  };
  prune();
  const timer = setInterval(prune, PRUNE_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
