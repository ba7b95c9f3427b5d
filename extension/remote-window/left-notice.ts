// A notice that has to outlive its window: a hand-off in the same window closes its notifications as soon as they
// appear. The notice is kept in VS Code's state for a while, and the next window shows it again.

import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { CLEAR_AFTER_MS } from "../../agent/client/connect/clipboard-secret.ts";
import type { ConnectTarget } from "../connect/target.ts";
import type { Services } from "../services.ts";

/**
 * If the window still exists after this time, it has shown the notice. A busy machine takes a while to replace a
 * window.
 */
const SHOWN_MS = 60_000;
/** An older notice is not shown: it is no longer news, or no longer true. */
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
type LeftNotice = Static<typeof Notice>;

/** Keeps the notice for the next window. Resolves when it is safe to leave this one, in which the caller shows it. */
export async function leaveNotice(
  { context, history }: Services,
  { gateway, workspace }: ConnectTarget,
  notice: LeftNotice,
): Promise<void> {
  const left = { at: Date.now(), gateway: gateway.gateway, workspace: workspace.id, notice };
  await history.setLeftNotice(left);
  const timer = setTimeout(() => {
    const now = history.leftNotice;
    // A later connection may have left its own.
    if (Check(Left, now) && now.at === left.at) void history.setLeftNotice(undefined);
  }, SHOWN_MS);
  context.subscriptions.push({ dispose: () => clearTimeout(timer) });
}
