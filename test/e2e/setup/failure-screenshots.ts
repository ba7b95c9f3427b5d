// When a test fails, every window that it has is photographed: `failed-<test>-<number>.png`.

import { beforeEach } from "vitest";
import { openWindows } from "../harness/workbench.ts";

beforeEach(({ onTestFailed, task }) => {
  onTestFailed(async () => {
    const name = task.name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    for (const [index, window] of openWindows().entries()) {
      // A window may be gone by now: its picture is missing then.
      await window.screenshot(`failed-${name}-${index + 1}`).catch(() => undefined);
    }
  });
});
