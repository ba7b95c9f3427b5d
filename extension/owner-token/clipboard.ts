// Puts an owner token on the clipboard and removes it after a minute, also when the window has been reloaded meanwhile.

import { type Disposable, env } from "vscode";
import {
  clearIfStillThere,
  type PendingClearing,
  parsePending,
  pendingClearing,
} from "../../agent/client/connect/clipboard-secret.ts";
import type { Services } from "../services.ts";

const PENDING = "sallyport.clipboard";
const timers = new Set<NodeJS.Timeout>();

export async function putOnClipboard(services: Services, secret: string): Promise<void> {
  await env.clipboard.writeText(secret);
  const pending = pendingClearing(secret, Date.now());
  await services.context.globalState.update(PENDING, pending);
  schedule(services, pending);
}

/** Finishes what a window that has been closed or reloaded began. */
export function resumeClipboardClearing(services: Services): Disposable {
  const pending = parsePending(services.context.globalState.get(PENDING), Date.now());
  if (pending !== undefined) schedule(services, pending);
  return {
    dispose: () => {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

function schedule(services: Services, pending: PendingClearing): void {
  const timer = setTimeout(
    () => {
      timers.delete(timer);
      void clear(services, pending);
    },
    Math.max(0, pending.at - Date.now()),
  );
  timers.add(timer);
}

async function clear(services: Services, pending: PendingClearing): Promise<void> {
  try {
    if (await clearIfStillThere(env.clipboard, pending)) {
      services.log.info("The owner token was taken off the clipboard.");
    }
    const newest = parsePending(services.context.globalState.get(PENDING), Date.now());
    if (newest?.sha256 === pending.sha256) await services.context.globalState.update(PENDING, undefined);
  } catch (error) {
    services.log.warn(
      `The clipboard could not be cleared: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
