// The frame around the pages: navigation, focus, and what people without a session get to see.

import { once } from "node:events";
import { createServer, request } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { axe, openPage, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { freePort } from "../../support/loopback.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("the dashboard's frame", () => {
  test("leads through the pages by links, without loading the document again", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await page.evaluate("window.mark = 1");
    await page.getByRole("link", { name: "SSH keys" }).click();
    await page.getByRole("heading", { level: 1, name: "SSH keys" }).waitFor();
    expect(await page.title()).toBe("SSH keys · Sallyport");
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Workspaces" }).waitFor();
    expect(await page.evaluate("window.mark")).toBe(1);
    await screens(page, "frame");
  });

  test("shows administration to administrators only", async () => {
    const gateway = await site();
    const { token } = await gateway.account("ada");
    const page = await openPage(await browser());
    await signIn(page, gateway, token);
    expect(await page.getByRole("link", { name: "People" }).count()).toBe(0);
    await axe(page);
  });

  test("works below a path, behind a proxy that takes it off", async () => {
    const port = await freePort();
    const publicUrl = parseGatewayUrl(`http://localhost:${port}/sub/port`);
    const gateway = await site({ publicUrl });
    await stripPath(port, "/sub/port", gateway.gateway.httpUrl);
    const page = await openPage(await browser());
    const outside: string[] = [];
    page.on("request", (asked) => {
      if (!asked.url().startsWith(`${publicUrl}/`)) outside.push(asked.url());
    });
    await page.goto(`${publicUrl}/keys`);
    await page.getByText("Use an access token").click();
    await page.getByLabel("Access token").fill(gateway.admin);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "SSH keys" }).waitFor();
    expect(page.url()).toBe(`${publicUrl}/keys`);
    await page.getByRole("link", { name: "Access tokens" }).click();
    await page.getByRole("heading", { level: 1, name: "Access tokens" }).waitFor();
    expect(page.url()).toBe(`${publicUrl}/tokens`);
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Access tokens" }).waitFor();
    expect(outside).toEqual([]);
  });

  test("opens its menu by keyboard on a narrow screen, and closes it on the next page", async () => {
    const gateway = await site();
    const page = await openPage(await browser(), { viewport: { width: 320, height: 640 } });
    const [menu, link] = [
      page.getByRole("button", { name: "Menu" }),
      page.getByRole("link", { name: "Activity" }),
    ];
    await page.goto(`${gateway.url}/sign-in?return=/keys`);
    await page.getByText("Use an access token").click();
    await page.getByLabel("Access token").fill(gateway.admin);
    await page.keyboard.press("Enter");
    await menu.waitFor();
    expect(await link.isVisible()).toBe(false);
    await menu.press("Enter");
    expect(await menu.getAttribute("aria-expanded")).toBe("true");
    await screens(page, "menu");
    await page.setViewportSize({ width: 320, height: 640 });
    await link.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Activity" }).waitFor();
    await expect.poll(() => link.isVisible()).toBe(false);
  });

  test("says that a page does not exist, and shows nothing of its address", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    const answer = await page.goto(`${gateway.url}/workspaces/a/<script>document.title='taken'</script>`);
    expect(answer?.status()).toBe(404);
    await page.getByRole("heading", { level: 1, name: "Page not found" }).waitFor();
    expect(await page.locator("main").innerText()).not.toContain("script");
    await screens(page, "not-found");
    await page.getByRole("link", { name: "To the workspaces" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  });
});

/** A reverse proxy for what is below `path`; the rest it does not have. It ends with the test. */
async function stripPath(port: number, path: string, target: string): Promise<void> {
  const proxy = createServer((asked, answer) => {
    if (!asked.url?.startsWith(`${path}/`)) return answer.writeHead(404).end();
    const { method, headers } = asked;
    const onward = request(`${target}${asked.url.slice(path.length)}`, { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    answer.on("close", () => onward.destroy());
    onward.on("error", () => answer.destroy());
    return asked.pipe(onward);
  }).listen(port, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close().closeAllConnections());
}
