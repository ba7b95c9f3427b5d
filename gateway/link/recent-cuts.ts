// Workspaces whose link was cut a moment ago. Their hosts are probably on their way back, so clients may wait
// for them instead of being told that the workspace is offline.

import { FairSlots } from "../../protocol/flow/fair-slots.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import { MAX_OPENING } from "./streams/stream-slots.ts";

/** After this, a workspace whose link was cut counts as offline. */
const RECENT_MS = 10_000;
/** The longest that one client waits. */
const WAIT_MS = 5_000;

interface Cut {
  readonly expiry: NodeJS.Timeout;
  /** Each ends one client's wait. */
  readonly waiting: Set<() => void>;
  /** As many as can open a stream at once when the host is back. */
  readonly slots: FairSlots;
}

export class RecentCuts {
  readonly #cuts = new Map<WorkspaceId, Cut>();

  /** The workspace's link was lost, and is expected back. */
  began(id: WorkspaceId): void {
    const before = this.#cuts.get(id);
    if (before !== undefined) {
      before.expiry.refresh();
      return;
    }
    const expiry = setTimeout(() => this.over(id), RECENT_MS);
    expiry.unref();
    this.#cuts.set(id, { expiry, waiting: new Set(), slots: new FairSlots({ total: MAX_OPENING }) });
  }

  /** The workspace is back, or is no longer expected. */
  over(id: WorkspaceId): void {
    const cut = this.#cuts.get(id);
    if (cut === undefined) return;
    this.#cuts.delete(id);
    clearTimeout(cut.expiry);
    for (const done of [...cut.waiting]) done();
  }

  /**
   * Settles when the cut is over, after WAIT_MS, or when `signal` is aborted; at once where there was no cut,
   * or where too many clients wait for it.
   * @param holder the account or address against whose share of the waiting clients this one counts
   */
  wait(id: WorkspaceId, signal: AbortSignal, holder: string): Promise<void> {
    const cut = this.#cuts.get(id);
    if (cut === undefined || signal.aborted) return Promise.resolve();
    const { waiting, slots } = cut;
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
      const timer = setTimeout(done, WAIT_MS);
      signal.addEventListener("abort", done, { once: true });
      waiting.add(done);
    });
  }
}
