// A notice that has to outlive its window: handing over in the same window takes the window's notifications away in the moment
// in which they appear. It is kept in VS Code's state for a while; the window that comes next shows it again.

import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { CLEAR_AFTER_MS } from "../../agent/client/connect/clipboard-secret.ts";
import type { ConnectTarget } from "../connect/target.ts";
import type { Services } from "../services.ts";

/** A window that is there after this long has shown it: a machine that is busy takes its time to put another in its place. */
const SHOWN_MS = 60_000;
/** Later than that it is no longer news, or no longer true. */
export const MAX_AGE_MS = { tunnel: 5 * 60_000, "owner-token": CLEAR_AFTER_MS };

const Notice = Type.Union([
  Type.Object({
    kind: Type.Literal("tunnel"),
    because: Type.Enum(["refused", "dropped", "silent", "not-ssh", "dns"]),
  }),
  Type.Object({ kind: Type.Literal("owner-token"), token: Type.String(), duration: Type.String() }),
]);
export const Left = Type.Object({
  at: Type.Number(),
  gateway: Type.String(),
  workspace: Type.String(),
  notice: Notice,
});
export type LeftNotice = Static<typeof Notice>;

/** Resolves when it is safe to leave the window. The caller shows the notice in this one. */
export async function leaveNotice(
  { context, history }: Services,
  { gateway, workspace }: ConnectTarget,
  notice: LeftNotice,
): Promise<void> {
  const left = { at: Date.now(), gateway: gateway.gateway, workspace: workspace.id, notice };
  await history.setLeftNotice(left);
  const timer = setTimeout(() => {
    const now = history.leftNotice;
    // A later connection's is left alone.
    if (Check(Left, now) && now.at === left.at) void history.setLeftNotice(undefined);
  }, SHOWN_MS);
  context.subscriptions.push({ dispose: () => clearTimeout(timer) });
}
