// Takes a screenshot of every window of a failed test: `failed-<test>-<number>.png`.

import { beforeEach } from "vitest";
import { openWindows } from "../harness/workbench.ts";

beforeEach(({ onTestFailed, task }) => {
  onTestFailed(async () => {
    const name = task.name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    for (const [index, window] of openWindows().entries()) {
      // A window that is already closed has no screenshot.
      await window.screenshot(`failed-${name}-${index + 1}`).catch(() => undefined);
    }
  });
});
