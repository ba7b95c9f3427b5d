// All workspaces that belong to accounts, as administrators see them. They do not reach a workspace by that.

import { sql } from "kysely";
import type { AdminWorkspace } from "../../../protocol/admin-api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { Name } from "../../../protocol/values/name.ts";
import type { StoreContext } from "../context.ts";
import { matching } from "./matching.ts";

interface WorkspacesWanted {
  /** In its name or in its owner's. */
  readonly filter?: string | undefined;
  readonly owner?: Name | undefined;
  readonly frozen?: boolean | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Without what only live connections know. */
export type StoredWorkspace = Omit<AdminWorkspace, "online" | "clients">;

export class AllWorkspaces {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** By name. `total`: how many match on all pages. @throws ProtocolError bad_request: `after` is no position */
  async list(
    wanted: WorkspacesWanted,
  ): Promise<{ workspaces: StoredWorkspace[]; next: string | null; total: number }> {
    const { unwritten } = this.#context;
    const { count } = await this.#matching(wanted)
      .select((select) => select.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    let query = this.#matching(wanted);
    if (wanted.after !== undefined) {
      const { name, id } = positionOf(wanted.after);
      query = query.where(sql<boolean>`(workspaces.name, workspaces.id) > (${name}, ${id})`);
    }
    const rows = await query
      .select(["workspaces.id", "workspaces.name", "accounts.name as owner", "workspaces.frozen_at"])
      .select(["workspaces.end_to_end_only", "workspaces.created_at", "workspaces.last_seen_at"])
      .select((select) =>
        select
          .selectFrom("shares")
          .select((count) => count.fn.countAll<number>().as("count"))
          .whereRef("shares.workspace_id", "=", "workspaces.id")
          .where("shares.accepted_at", "is not", null)
          .as("shares"),
      )
      .orderBy("workspaces.name")
      .orderBy("workspaces.id")
      .limit(wanted.limit)
      .execute();
    const last = rows.at(-1);
    return {
      workspaces: rows
        .filter(({ id }) => !unwritten.isRemoved(id))
        .map((row) => ({
          id: row.id,
          name: row.name,
          owner: row.owner,
          frozen: row.frozen_at !== null || unwritten.isFrozen(row.id),
          shares: Number(row.shares ?? 0),
          endToEndOnly: row.end_to_end_only === 1,
          createdAt: row.created_at,
          lastSeenAt: row.last_seen_at,
        })),
      next: last === undefined || rows.length < wanted.limit ? null : `${last.name}.${last.id}`,
      total: Number(count),
    };
  }

  #matching({ filter, owner, frozen }: WorkspacesWanted) {
    let query = this.#context.db
      .selectFrom("workspaces")
      .innerJoin("accounts", "accounts.id", "workspaces.owner_id");
    if (owner !== undefined) query = query.where("accounts.name", "=", owner);
    if (frozen !== undefined) query = query.where("workspaces.frozen_at", frozen ? "is not" : "is", null);
    if (filter !== undefined) {
      query = query.where((or) =>
        or.or([matching("workspaces.name", filter), matching("accounts.name", filter)]),
      );
    }
    return query;
  }
}

/** @throws ProtocolError bad_request */
function positionOf(after: string): { readonly name: string; readonly id: string } {
  const dot = after.lastIndexOf(".");
  if (dot < 1)
    throw new ProtocolError("bad_request", "after is not a position in this list.", { field: "after" });
  return { name: after.slice(0, dot), id: after.slice(dot + 1) };
}
