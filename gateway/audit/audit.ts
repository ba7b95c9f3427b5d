// The audit log: one line per sign-in, connection, and change of a token or key. A line goes into the log at
// once, and into the database in batches, so that no connection waits for it. It never contains a secret.

import { createHash, randomBytes } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import { addressBlock } from "../../protocol/values/address-block.ts";
import { printable } from "../../protocol/values/printable.ts";
import { redactTokens } from "../../protocol/values/token.ts";
import { perWorker } from "../cluster/per-worker.ts";
import type { AuditEvent } from "../directory.ts";
import type { AuditRow, Tables } from "../store/database/schema.ts";
import { type AuditCondition, conditionsOf } from "./filter.ts";
import { LineBudget } from "./line-budget.ts";

const FLUSH_MS = 100;
const BATCH_ROWS = 200;
/** Lines that wait for the database. Beyond that, lines go into the log only. */
const MAX_WAITING = 10_000;
/** The fraction of the kept rows that may be about strangers, who can cause as many as they like. */
const STRANGERS_PART = 0.2;
const REFUSALS = "%.refused";
/** Events that connections cause again and again. What a person changes is always written. */
const OF_CONNECTIONS = /^(link|tunnel|ssh)\./;
/**
 * Events about host keys, of which a host can make up as many as it likes. They have a budget of their own.
 */
const OF_HOST_KEYS = /^workspace\.host-keys?-(held|updated)$/;

/** Lines per minute, in all and per account or address. */
const BUDGETS = {
  refusals: { lines: 600, perHolder: 60, omitted: "refusals.omitted" },
  strangers: { lines: 600, perHolder: 60, omitted: "lines.omitted" },
  accounts: { lines: 6_000, perHolder: 600, omitted: "lines.omitted" },
  hostKeys: { lines: 600, perHolder: 60, omitted: "lines.omitted" },
} as const;
type Kind = keyof typeof BUDGETS;

interface AuditWanted extends AuditCondition {
  readonly limit: number;
  readonly before?: string | undefined;
}

interface AuditLogOptions {
  readonly db: Kysely<Tables>;
  readonly log: Logger;
  readonly now: () => Date;
  /** Whether a workspace's id is a secret. Such an id is written as a hash. */
  readonly isSecret: (workspace: string) => boolean;
  /** How many processes write to this database. */
  readonly processes?: number;
}

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #waiting: AuditRow[] = [];
  readonly #budgets: Readonly<Record<Kind, LineBudget>>;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #lastTime = 0;
  #sequence = 0;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    const budget = (kind: Kind): LineBudget => {
      const { lines, perHolder, omitted } = BUDGETS[kind];
      const { now, processes = 1 } = options;
      return new LineBudget({
        now: () => now().getTime(),
        lines: perWorker(lines, processes),
        perHolder: perWorker(perHolder, processes),
        onOmitted: (count, most) =>
          this.#add({
            event: omitted,
            detail: `${count} more ${kind === "refusals" ? "refusals" : "lines"} within a minute, most of them of ${most}`,
          }),
      });
    };
    this.#budgets = {
      refusals: budget("refusals"),
      strangers: budget("strangers"),
      accounts: budget("accounts"),
      hostKeys: budget("hostKeys"),
    };
  }

  write(event: AuditEvent): void {
    const of = budgetOf(event);
    if (of === undefined || this.#budgets[of.kind].take(of.holder)) this.#add(event);
  }

  #add(event: AuditEvent): void {
    const row = this.#row(event);
    const { id: _, time: __, event: name, ...rest } = row;
    const shown = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
    this.#options.log.info({ audit: name, ...shown }, `audit ${name}`);
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(row);
    this.#timer ??= setTimeout(() => {
      this.flush().catch((error: unknown) =>
        this.#options.log.error({ err: error }, "The audit log could not be written to the database."),
      );
    }, FLUSH_MS);
  }

  /** Settles once everything written so far is in the database. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#flushing !== undefined) await this.#flushing;
    this.#flushing = this.#insert();
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Newest first. @param options `before` is the id of the last line of the previous page */
  async list({ limit, before, ...wanted }: AuditWanted): Promise<AuditRow[]> {
    await this.flush();
    let query = this.#options.db.selectFrom("audit").selectAll().orderBy("id", "desc").limit(limit);
    if (before !== undefined) query = query.where("id", "<", before);
    for (const condition of conditionsOf(wanted)) query = query.where(condition);
    return query.execute();
  }

  /**
   * Keeps the newest `keep` rows, and a fraction of that many about strangers. Returns how many were deleted.
   */
  async prune(keep: number): Promise<number> {
    await this.flush();
    const others = await this.#pruneWhere(false, keep);
    return others + (await this.#pruneWhere(true, Math.ceil(keep * STRANGERS_PART)));
  }

  async #pruneWhere(ofStrangers: boolean, keep: number): Promise<number> {
    const { db } = this.#options;
    const which = sql<boolean>`(event like ${REFUSALS} or (account is null and address is not null)) = ${ofStrangers ? 1 : 0}`;
    const oldest = await db
      .selectFrom("audit")
      .select("id")
      .where(which)
      .orderBy("id", "desc")
      .limit(1)
      .offset(keep)
      .executeTakeFirst();
    if (oldest === undefined) return 0;
    const { numDeletedRows } = await db
      .deleteFrom("audit")
      .where(which)
      .where("id", "<=", oldest.id)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  async #insert(): Promise<void> {
    for (;;) {
      const rows = this.#waiting.slice(0, BATCH_ROWS);
      if (rows.length === 0) return;
      // Removed before writing, so that a batch that the database refuses is reported once and not tried for
      // ever.
      this.#waiting.splice(0, rows.length);
      await this.#options.db.insertInto("audit").values(rows).execute();
    }
  }

  #row(event: AuditEvent): AuditRow {
    const time = this.#options.now();
    return {
      id: this.#nextId(time.getTime()),
      time: time.toISOString(),
      event: text(event.event, 100) ?? "",
      account: text(event.account, 100),
      workspace: this.#workspace(event.workspace),
      address: text(event.address, 100),
      token: text(event.token, 100),
      key: text(event.key, 100),
      code: text(event.code, 100),
      bytes_in: event.bytesIn ?? null,
      bytes_out: event.bytesOut ?? null,
      duration_ms: event.durationMs === undefined ? null : Math.round(event.durationMs),
      detail: text(event.detail, 2000),
    };
  }

  #workspace(id: string | undefined): string | null {
    if (id === undefined || !this.#options.isSecret(id)) return text(id, 100);
    return `open-${createHash("sha256").update(id).digest("hex").slice(0, 12)}`;
  }

  /** Sorts by time and, within one millisecond, by order. Ids of several processes do not collide. */
  #nextId(time: number): string {
    this.#sequence = time > this.#lastTime ? 0 : this.#sequence + 1;
    this.#lastTime = Math.max(time, this.#lastTime);
    const parts = [
      this.#lastTime.toString(36).padStart(9, "0"),
      this.#sequence.toString(36).padStart(6, "0"),
    ];
    return `${parts.join("")}${randomBytes(4).toString("hex")}`;
  }
}

/** undefined: the event is always written. */
function budgetOf({ event, account, address }: AuditEvent): { kind: Kind; holder: string } | undefined {
  const block = addressBlock(address ?? "");
  if (event.endsWith(".refused")) return { kind: "refusals", holder: block };
  if (account !== undefined) {
    if (OF_HOST_KEYS.test(event)) return { kind: "hostKeys", holder: account };
    return OF_CONNECTIONS.test(event) ? { kind: "accounts", holder: account } : undefined;
  }
  return address === undefined ? undefined : { kind: "strangers", holder: block };
}

function text(value: string | undefined, length: number): string | null {
  return value === undefined ? null : printable(redactTokens(value), length);
}
