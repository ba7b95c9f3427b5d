// A splice whose end can be waited for, for tests.

import type { Splice, SpliceEnd, SpliceWatcher } from "../../../../gateway/splice/splice.ts";

export function watched(
  join: (watcher: SpliceWatcher) => Splice,
  moved: SpliceWatcher["moved"] = () => undefined,
): Splice & { readonly ended: Promise<SpliceEnd> } {
  let end: (end: SpliceEnd) => void = () => undefined;
  const ended = new Promise<SpliceEnd>((resolve) => {
    end = resolve;
  });
  const joined = join({ moved, ended: end });
  return { close: (code, reason) => joined.close(code, reason), ended };
}
