// In which order workspaces are listed, and what is told when they come and go. Pure.

import type { Workspace } from "../../../protocol/api.ts";

export const ORDERS = ["online", "name", "seen"] as const;
export type Order = (typeof ORDERS)[number];

/** Names are ASCII, so that comparing them as text is the order of the alphabet. */
const byName = (one: Workspace, two: Workspace): number =>
  one.name < two.name ? -1 : one.name > two.name ? 1 : one.owner < two.owner ? -1 : 1;
const COMPARE: Readonly<Record<Order, (one: Workspace, two: Workspace) => number>> = {
  name: byName,
  online: (one, two) => Number(two.online) - Number(one.online) || byName(one, two),
  seen: (one, two) => {
    const [first, second] = [seen(one), seen(two)];
    return first < second ? 1 : first > second ? -1 : byName(one, two);
  },
};

/** Online ones are seen now; those that never were come last. ISO 8601 times compare as text. */
const seen = ({ online, lastSeenAt }: Workspace): string => (online ? "~" : (lastSeenAt ?? ""));

export const inOrder = (all: Iterable<Workspace>, order: Order): Workspace[] => [...all].sort(COMPARE[order]);

/** More changes at once are not told one by one. */
const FEW = 3;

/** The workspaces that went online or offline between two states; none if there are many. */
export function changes(
  before: ReadonlyMap<string, Workspace>,
  after: ReadonlyMap<string, Workspace>,
): readonly Workspace[] {
  const changed = [...after.values()].filter((now) => {
    const was = before.get(now.id);
    return was !== now && (was?.online ?? false) !== now.online;
  });
  return changed.length > FEW ? [] : changed;
}
