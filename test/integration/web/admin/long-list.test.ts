// Lists of 5,000 workspaces in a browser: no frame over 50 ms while they scroll and while somebody types a filter, and the
// same for people with a keyboard, a screen reader or a window of 320 px.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Page } from "playwright-core";
import { Type } from "typebox";
import { Parse } from "typebox/value";
import { describe, expect, test } from "vitest";
import { newWorkspaceId } from "../../../../protocol/values/id.ts";
import { axe, openPage, type Site, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";

const browser = sharedBrowser();
const COUNT = 5_000;
const MOST_MS = 50;
/** Other programs only ever lengthen a frame, so that the best of a few rounds says most about the page. */
const ROUNDS = 4;

/** Workspaces of an account, written beside the gateway: registering them one by one would take minutes. */
async function manyWorkspaces(): Promise<Site> {
  const gateway = await site();
  const admin = await gateway.call("GET", "/me", gateway.admin);
  const database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
  database.exec("PRAGMA busy_timeout = 10000; BEGIN");
  const insert = database.prepare(
    `insert into workspaces (id, owner_id, name, asked_name, host_keys, held_host_keys, end_to_end_only, owner_tokens, created_at)
     values (?, ?, ?, ?, '[]', '[]', 0, 1, '2026-11-01T12:00:00.000Z')`,
  );
  for (let at = 0; at < COUNT; at++) {
    const name = `machine-${String(at).padStart(4, "0")}`;
    insert.run(newWorkspaceId(), admin.body.account.id, name, name);
  }
  database.exec("COMMIT");
  database.close();
  return gateway;
}

/** What happens in each frame, as the text of a function of the frame's number, for the page. */
const SCROLL = `(at) => at % 20 === 19 ? scrollTo(0, Math.random() * document.documentElement.scrollHeight) : scrollBy(0, 350)`;
const TYPE = `(at) => {
  const field = document.querySelector("input[type=search]");
  const text = "machine-0123";
  field.value = text.slice(0, at % (text.length + 1));
  field.dispatchEvent(new Event("input", { bubbles: true }));
}`;

/** Does it in each of so many frames, and returns the longest distance between two of them in ms. */
async function worstFrame(page: Page, act: string, frames: number): Promise<number> {
  return await page.evaluate(`new Promise((resolve) => {
    const act = ${act};
    let last = performance.now();
    let worst = 0;
    let at = 0;
    const step = () => {
      const now = performance.now();
      if (at > 0) worst = Math.max(worst, now - last);
      last = now;
      if (at++ === ${frames}) return resolve(worst);
      act(at - 1);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  })`);
}

const Trace = Type.Object({
  traceEvents: Type.Array(
    Type.Object({
      name: Type.String(),
      args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      pid: Type.Number(),
      tid: Type.Number(),
      tdur: Type.Optional(Type.Number()),
    }),
  ),
});

/**
 * The most that one task of the page took, in ms of the processor: a frame's scripts, layout and painting are one task. The
 * distance of frames also has what other programs took meanwhile.
 */
async function worstTask(page: Page, act: string, frames: number): Promise<Worst> {
  const own = page.context().browser();
  if (own === null) throw new Error("The page has no browser.");
  await own.startTracing(page, {
    categories: ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"],
  });
  const frame = await worstFrame(page, act, frames);
  const { traceEvents } = Parse(Trace, JSON.parse((await own.stopTracing()).toString()));
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, pid, tid }) => /RunTask$/.test(name) && mains.has(`${pid} ${tid}`),
  );
  expect(tasks.length, "the trace has the page's tasks").toBeGreaterThan(frames);
  const task = Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1_000));
  expect(task, "the trace has their time").toBeGreaterThan(0);
  return { task, frame };
}

interface Worst {
  readonly task: number;
  readonly frame: number;
}

/** The best of some rounds: others only ever add to what is measured. */
async function measure(page: Page, act: string, frames: number): Promise<Worst> {
  let best: Worst = { task: Number.POSITIVE_INFINITY, frame: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS && best.frame > MOST_MS; round++) {
    const { task, frame } = await worstTask(page, act, frames);
    best = { task: Math.min(best.task, task), frame: Math.min(best.frame, frame) };
  }
  return best;
}

describe.skipIf(BROWSER === undefined)(`a list of ${COUNT} workspaces`, () => {
  test("scrolls and filters without a frame over 50 ms", { timeout: 240_000 }, async () => {
    const gateway = await manyWorkspaces();
    const page = await openPage(await browser(), { viewport: { width: 1280, height: 800 } });
    for (const path of ["/admin/workspaces", "/"]) {
      await signIn(page, gateway, gateway.admin, path);
      await page
        .getByText(new RegExp(`\\b${COUNT}\\b`))
        .first()
        .waitFor();
      await page.getByRole("rowheader", { name: "machine-0000" }).waitFor();
      const scrolled = await measure(page, SCROLL, 120);
      await page.evaluate("scrollTo(0, 0)");
      const typed = await measure(page, TYPE, 52);
      const rest = await worstFrame(page, "() => undefined", 60);
      const told = ({ task, frame }: Worst): string =>
        `${task.toFixed(1)} ms of work, ${frame.toFixed(1)} ms between frames`;
      process.stderr.write(
        `${COUNT} workspaces at ${path}: scrolling at most ${told(scrolled)}; typing at most ${told(typed)}; at rest ${rest.toFixed(1)} ms between frames\n`,
      );
      expect(scrolled.task, `${path} scrolls`).toBeLessThanOrEqual(MOST_MS);
      expect(typed.task, `${path} filters`).toBeLessThanOrEqual(MOST_MS);
    }
  });

  test("is whole for screen readers, and goes on under the keyboard", { timeout: 120_000 }, async () => {
    const gateway = await manyWorkspaces();
    const page = await openPage(await browser(), { viewport: { width: 1280, height: 800 } });
    await signIn(page, gateway, gateway.admin, "/admin/workspaces");
    await page.getByText(`${COUNT} of ${COUNT}`).waitFor();
    const table = page.getByRole("table");
    expect(await table.getAttribute("aria-rowcount")).toBe(String(COUNT + 1));
    expect(await page.locator("tbody tr").count()).toBeLessThan(80);
    await axe(page);
    await page.getByRole("button", { name: /^More: machine-0000 / }).focus();
    for (let at = 0; at < 60; at++) await page.keyboard.press("Tab");
    const focused = await page.evaluate(
      "document.activeElement.closest('tr')?.querySelector('th').textContent",
    );
    expect(focused).toBe("machine-0030");
    expect(await page.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')")).toBe(
      "32",
    );
    // It keeps the focus far away from where the page is scrolled to.
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
    await page.getByRole("rowheader", { name: "machine-4999" }).waitFor();
    expect(await page.evaluate("document.activeElement.closest('tr')?.querySelector('th').textContent")).toBe(
      "machine-0030",
    );
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.closest('tr')?.querySelector('th').textContent")).toBe(
      "machine-0031",
    );
    // The filter finds what is not in the page.
    await page.getByLabel("Filter by name or owner").fill("4321");
    await page.getByText(`1 of ${COUNT}`).first().waitFor();
    await page.getByRole("rowheader", { name: "machine-4321" }).waitFor();
  });

  test("has no gap at 320 px and stands still while one scrolls up", { timeout: 120_000 }, async () => {
    const gateway = await manyWorkspaces();
    const page = await openPage(await browser(), { viewport: { width: 1280, height: 640 } });
    await signIn(page, gateway, gateway.admin, "/admin/workspaces");
    await page.setViewportSize({ width: 320, height: 640 });
    await page.getByText(`${COUNT} of ${COUNT}`).waitFor();
    await page.getByRole("rowheader", { name: "machine-0000" }).waitFor();
    const found: unknown = await page.evaluate(`(async () => {
      const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const faults = [];
      const seen = () => document.elementFromPoint(100, 400)?.closest("tr");
      scrollTo(0, 200_000);
      await frame();
      for (let at = 0; at < 60; at++) {
        const row = [...document.querySelectorAll("tr[data-key]")].find((one) => one.getBoundingClientRect().top > 60);
        const before = row.getBoundingClientRect().top;
        scrollBy(0, -170);
        await frame();
        const moved = row.isConnected ? row.getBoundingClientRect().top - before : 170;
        if (Math.abs(moved - 170) > 1) faults.push("moved " + moved);
        if (seen()?.className === "space") faults.push("gap at " + scrollY);
      }
      for (const part of [0.1, 0.9, 0.5, 1, 0]) {
        scrollTo(0, document.documentElement.scrollHeight * part);
        await frame();
        if (seen()?.className === "space") faults.push("gap at " + part);
      }
      return faults;
    })()`);
    expect(found).toEqual([]);
    await axe(page);
  });
});
