// The question whether it is still the same person, before something that a stolen browser session must not do. Its dialog
// is loaded when it is asked.

import { signal } from "@preact/signals";

/** Settles the question that is open; undefined: none is. */
export const openQuestion = signal<((proved: boolean) => void) | undefined>(undefined);
let asked: Promise<boolean> | undefined;

/** Asks the person to prove who they are, once for all requests that wait for it. False: they did not. */
export function proveAgain(): Promise<boolean> {
  asked ??= new Promise<boolean>((resolve) => {
    openQuestion.value = (proved) => {
      openQuestion.value = undefined;
      asked = undefined;
      resolve(proved);
    };
  });
  return asked;
}
