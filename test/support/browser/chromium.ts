// The system's Chromium for tests of pages. One browser serves all tests of a file; each test has a context of its own.

import { type Browser, chromium } from "playwright-core";
import { afterAll } from "vitest";
import { findProgram } from "../programs/find-program.ts";

/** undefined: this machine has none, and the tests of pages skip. */
export const BROWSER = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => findProgram(name, []))
  .find((path) => path !== undefined);
if (BROWSER === undefined) process.stderr.write("no Chromium here (Debian: chromium): tests of pages skip\n");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];

/** Call it once at the top of a file. The browser starts at the first use. */
export function sharedBrowser(): () => Promise<Browser> {
  let started: Promise<Browser> | undefined;
  afterAll(async () => {
    await (await started)?.close();
  });
  return () => {
    if (BROWSER === undefined) throw new Error("This test needs Chromium and must skip without it.");
    started ??= chromium.launch({ executablePath: BROWSER, args: FLAGS });
    return started;
  };
}
