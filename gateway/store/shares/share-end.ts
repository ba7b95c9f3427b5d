// The end of shares that last until a time. It is looked at whenever a share is used, and a timer ends what is open then.

import { type Expression, type SqlBool, sql } from "kysely";
import type { Logger } from "pino";
import { atTime } from "../../deadline.ts";
import type { Directory } from "../../directory.ts";

/** After a failure of the database. */
const AGAIN_MS = 10_000;

/** For a query on shares: whether a share has not ended by itself. */
export function shareHolds(now: Date): Expression<SqlBool> {
  return sql<SqlBool>`(shares.expires_at is null or shares.expires_at > ${now.toISOString()})`;
}

/** One process of a gateway does this; the others hear of each share that has ended. Returns a function that stops it. */
export function endSharesInTime(
  store: Pick<Directory, "onChange"> & { readonly shares: { endExpired(): Promise<Date | null> } },
  log: Logger,
): () => Promise<void> {
  let cancel = (): void => {};
  let running = Promise.resolve();
  let isStopped = false;
  const look = async (): Promise<void> => {
    cancel();
    let next: Date | null;
    try {
      next = await store.shares.endExpired();
    } catch (error) {
      log.error({ err: error }, "Shares that are over could not be ended; the gateway tries again.");
      next = new Date(Date.now() + AGAIN_MS);
    }
    if (!isStopped && next !== null) cancel = atTime(next, again);
  };
  const again = (): void => {
    // One after the other: `look` never rejects.
    running = running.then(async () => (isStopped ? undefined : await look()));
  };
  const unsubscribe = store.onChange(({ kind }) => {
    if (kind === "offers") again();
  });
  again();
  return async () => {
    isStopped = true;
    unsubscribe();
    cancel();
    await running;
  };
}
