// Looks for a newer version of the extension at the gateways: some time after activation or a sign-in, and then again and
// again. Nothing that takes time is loaded before.

import type { Disposable } from "vscode";
import type { Services } from "../services.ts";

/** Until the editor has started and the person has their hands free. */
const FIRST_MS = 15_000;
/** Each gateway is asked once a day at most, however many windows look. */
const AGAIN_MS = 6 * 60 * 60_000;

export function watchUpdates(services: Services): Disposable {
  let timer = setTimeout(look, FIRST_MS);
  const listening = services.accounts.onDidChange(() => {
    clearTimeout(timer);
    timer = setTimeout(look, FIRST_MS);
  });
  return {
    dispose() {
      clearTimeout(timer);
      listening.dispose();
    },
  };

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
