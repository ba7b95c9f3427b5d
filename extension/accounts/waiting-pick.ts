// A list that stays open while something is waited for, with what one can do in the meantime.

import { type QuickPickItem, window } from "vscode";

interface WaitingItem extends QuickPickItem {
  /** Closes the list with `another`; absent: the list stays open. */
  readonly another?: true;
  act?(): unknown;
}

interface WaitingPick<T> {
  readonly title: string;
  readonly placeholder: string;
  readonly items: readonly WaitingItem[];
  /** How long to wait, in ms. */
  readonly limitMs: number;
  /** What happens after that. */
  readonly late: () => Error;
  /** Runs until the person gives up. */
  run(signal: AbortSignal): Promise<T>;
}

/** What `run` returned; `another` where the person wants something else; undefined where they closed the list. */
export async function pickWhile<T>(wanted: WaitingPick<T>): Promise<T | "another" | undefined> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(wanted.late()), wanted.limitMs);
  const pick = window.createQuickPick<WaitingItem>();
  pick.title = wanted.title;
  pick.placeholder = wanted.placeholder;
  pick.items = wanted.items;
  pick.busy = true;
  // The person goes to the browser and comes back.
  pick.ignoreFocusOut = true;
  try {
    return await new Promise((resolve, reject) => {
      pick.onDidAccept(() => {
        const [item] = pick.selectedItems;
        if (item?.another === true) resolve("another");
        else if (item?.act !== undefined) Promise.resolve(item.act()).catch(reject);
      });
      pick.onDidHide(() => resolve(undefined));
      pick.show();
      wanted.run(stop.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    stop.abort(new Error("The person gave up."));
    pick.dispose();
  }
}
