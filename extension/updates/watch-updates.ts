// Looks for a newer version of the extension at the gateways, some time after activation and then each day. Nothing that
// takes time is loaded before.

import type { Disposable } from "vscode";
import type { Services } from "../services.ts";

/** Until the editor has started and the person has their hands free. */
const FIRST_MS = 15_000;
/** Each gateway is asked once a day at most, however many windows look. */
const AGAIN_MS = 6 * 60 * 60_000;

export function watchUpdates(services: Services, firstMs = FIRST_MS): Disposable {
  let timer = setTimeout(look, firstMs);
  return { dispose: () => clearTimeout(timer) };

  function look(): void {
    timer = setTimeout(look, AGAIN_MS);
    void lookNow(services);
  }
}

async function lookNow(services: Services): Promise<void> {
  try {
    await (await import("./offer-update.ts")).offerUpdate(services);
  } catch (error) {
    // Not worth a message: it is tried again.
    services.log.warn(`Looking for updates failed: ${error instanceof Error ? error.message : error}`);
  }
}
