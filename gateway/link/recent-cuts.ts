// Workspaces whose link was cut a moment ago. Their hosts are on their way back, so whoever comes meanwhile may wait for them
// instead of being told that the workspace is offline.

import { FairSlots } from "../../protocol/fair-slots.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import { MAX_OPENING } from "./bounds.ts";

/** After this, a workspace whose link was cut is offline like any other. */
const BLIP_MS = 10_000;
/** For one who waits. */
const RETURN_MS = 5_000;

interface Cut {
  readonly end: NodeJS.Timeout;
  /** How to end each wait. */
  readonly waiting: Set<() => void>;
  /** More than this could not be opened at once when it is back. */
  readonly slots: FairSlots;
}

export class RecentCuts {
  readonly #blips = new Map<WorkspaceId, Cut>();

  /** The link is gone, and nobody meant it to be. */
  began(id: WorkspaceId): void {
    const before = this.#blips.get(id);
    if (before !== undefined) {
      before.end.refresh();
      return;
    }
    const end = setTimeout(() => this.over(id), BLIP_MS);
    end.unref();
    this.#blips.set(id, { end, waiting: new Set(), slots: new FairSlots({ total: MAX_OPENING }) });
  }

  /** The workspace is back, or is not expected any more. */
  over(id: WorkspaceId): void {
    const blip = this.#blips.get(id);
    if (blip === undefined) return;
    this.#blips.delete(id);
    clearTimeout(blip.end);
    for (const done of [...blip.waiting]) done();
  }

  /**
   * Settles when the blip is over, after RETURN_MS, or with `signal`; at once where there is none, or too many wait for it.
   * @param holder whose share of those that wait it counts for
   */
  pass(id: WorkspaceId, signal: AbortSignal, holder: string): Promise<void> {
    const blip = this.#blips.get(id);
    if (blip === undefined || signal.aborted) return Promise.resolve();
    const { waiting, slots } = blip;
    const slot = slots.enter([holder], () => undefined);
    if (typeof slot === "string") return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        waiting.delete(done);
        slot.leave();
        resolve();
      };
      const timer = setTimeout(done, RETURN_MS);
      signal.addEventListener("abort", done, { once: true });
      waiting.add(done);
    });
  }
}
