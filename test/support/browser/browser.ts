// A browser at the dashboard of a real gateway. What the page complains about (a violation of its Content-Security-Policy, an
// uncaught error) fails the test that opened it.

import { mkdtempSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import type { GatewayOptions } from "../../../gateway/program/options.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { freePort } from "../loopback.ts";
import { type TestGateway, testGateway } from "../test-gateway.ts";

/** Generous: the machine may be busy. */
const PATIENCE_MS = 30_000;

export interface Site extends TestGateway {
  /** `http://localhost:PORT`: there browsers keep the session's cookie, and make passkeys. */
  readonly url: string;
}

/** A gateway whose public URL is one that browsers can sign in at. It ends with the test. */
export async function site(overrides: Partial<GatewayOptions> = {}): Promise<Site> {
  const port = await freePort();
  const publicUrl = parseGatewayUrl(`http://localhost:${port}`);
  const gateway = await testGateway({ http: { host: "127.0.0.1", port }, publicUrl, ...overrides });
  return { ...gateway, url: overrides.publicUrl ?? publicUrl };
}

/** A page in a context of its own, such as that of a second person. It closes with the test. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: "reduce", locale: "en", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // Refusals of the API are answers, not faults of the page.
    if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  await page.addInitScript(
    `addEventListener("securitypolicyviolation", (event) => {
      console.error("Content-Security-Policy: " + event.violatedDirective + " " + event.blockedURI + " " + event.sample);
    });`,
  );
  onTestFinished(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  return page;
}

/** Signs the browser in with an access token, by the page itself. Ends at `path`. */
export async function signIn(
  page: Page,
  at: { readonly url: string },
  token: string,
  path = "/",
): Promise<void> {
  // By the page's own request, so that the cookie is one that the page's origin gets.
  await page.goto(`${at.url}/sign-in`);
  await page.evaluate(
    async ([url, secret]) => {
      const answer = await fetch(`${url}/api/v1/session/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token: secret }),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    [at.url, token] as const,
  );
  await page.goto(`${at.url}${path}`);
  await page.getByRole("navigation").waitFor();
}

let axeSource: Promise<string> | undefined;

/** Checks the page, or what is in a dialog, with axe: WCAG 2.2 A and AA and axe's best practices. */
export async function axe(page: Page): Promise<void> {
  axeSource ??= readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
  await page.evaluate(await axeSource);
  const found: unknown = await page.evaluate(
    `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.map(
      ({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + " " + failureSummary).join("; ")))`,
  );
  expect(found, `${page.url()} is accessible`).toEqual([]);
}

const directory = process.env.SALLYPORT_SCREENS ?? mkdtempSync(join(tmpdir(), "sallyport-screens-"));
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };

/**
 * Takes pictures of the page in light, in dark and at a width of 320 px, checks each with axe, and that nothing is wider than
 * the window. Returns the folder with `NAME-light.png` and the others, or the folder that SALLYPORT_SCREENS names.
 */
export async function screens(page: Page, name: string): Promise<string> {
  for (const [kind, colorScheme, size] of [
    ["light", "light", WIDE],
    ["dark", "dark", WIDE],
    ["narrow", "light", NARROW],
    ["narrow-dark", "dark", NARROW],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    await axe(page);
    const width: unknown = await page.evaluate("document.documentElement.scrollWidth");
    expect(width, `${name} at ${size.width} px`).toBeLessThanOrEqual(size.width);
    await page.screenshot({ path: join(directory, `${name}-${kind}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize(WIDE);
  return directory;
}
