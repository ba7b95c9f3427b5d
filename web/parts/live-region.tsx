// One place from which screen readers are told what has changed. Several texts at once are told as one.

import { signal } from "@preact/signals";

const text = signal("");
let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
const GATHER_MS = 250;

/** Tells people with a screen reader something that others see. */
export function announce(message: string): void {
  waiting.push(message);
  clearTimeout(timer);
  timer = setTimeout(() => {
    const next = [...new Set(waiting)].join(" ");
    waiting = [];
    // The same text again is told only if it differs.
    text.value = text.value === next ? `${next}\u00a0` : next;
  }, GATHER_MS);
}

/** Once in the page, and always there. */
export function LiveRegion() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}
