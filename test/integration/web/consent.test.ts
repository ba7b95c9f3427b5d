// The consent page: what it shows, what it sends, and where it goes only after the person has decided.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { axe, openPage, type Site, screens, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { fakeApi } from "../../support/browser/fake-api.ts";

const browser = sharedBrowser();
/** As a client writes it; the page must not rewrite it, for example `%20` as `+`. */
const QUERY =
  "response_type=code&client_id=sallyport-cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fsigned-in&scope=connect%20account&state=a%2Bb%20c&code_challenge=x&code_challenge_method=S256";
const PROMPT = {
  client: "sallyport-cli",
  device: "sallyport 0.1.0 on laptop",
  scopes: ["connect", "account"],
  redirectTo: "127.0.0.1",
};
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });
const consentAt = ({ url }: Site) => `${url}/oauth/authorize?${QUERY}`;

describe.skipIf(BROWSER === undefined)("the consent page", () => {
  test("asks people who are not signed in to sign in, and comes back with the request as it was", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    const asked = await fakeApi(page, { "POST /authorizations/prompt": PROMPT });
    await page.goto(consentAt(gateway));
    await heading(page, "Sign in").waitFor();
    await page.getByText("Use an access token").click();
    await page.getByLabel("Access token").fill(gateway.admin);
    await page.getByRole("button", { name: "Sign in" }).click();
    await heading(page, "Allow access").waitFor();
    expect(page.url()).toBe(consentAt(gateway));
    await expect.poll(() => asked).toEqual([{ call: "POST /authorizations/prompt", body: { query: QUERY } }]);
  });

  test("is read and allowed with the keyboard alone, with fewer rights than were asked for", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const redirect = "http://127.0.0.1:9/signed-in?code=abc&state=a%2Bb%20c&iss=x";
    const asked = await fakeApi(page, {
      "POST /authorizations/prompt": PROMPT,
      "POST /authorizations": { redirect },
    });
    await page.route("http://127.0.0.1:9/**", (route) => route.fulfill({ body: "the program's own page" }));
    await page.goto(consentAt(gateway));
    await page.getByText("The command line sallyport asks to act for you at this gateway.").waitFor();
    expect(await page.locator("dl").innerText()).toContain("sallyport 0.1.0 on laptop");
    expect(await page.locator("dl").innerText()).toContain("a program on this computer (127.0.0.1)");
    await screens(page, "consent");
    const second = page.getByLabel("Manage your SSH keys");
    for (let presses = 0; presses < 20 && !(await second.evaluate((e) => e.matches(":focus"))); presses++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.innerText")).toBe("Allow");
    await page.keyboard.press("Enter");
    await page.getByText("the program's own page").waitFor();
    expect(page.url()).toBe(redirect);
    expect(asked.at(-1)).toEqual({
      call: "POST /authorizations",
      body: { query: QUERY, allow: true, scopes: ["connect"] },
    });
  });

  test("tells the program of a refusal, and allows nothing without a right", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const asked = await fakeApi(page, {
      "POST /authorizations/prompt": { ...PROMPT, scopes: ["connect"] },
      "POST /authorizations": { redirect: "http://127.0.0.1:9/signed-in?error=access_denied" },
    });
    await page.route("http://127.0.0.1:9/**", (route) => route.fulfill({ body: "refused" }));
    await page.goto(consentAt(gateway));
    await page.getByLabel("See your workspaces").uncheck();
    expect(await page.getByRole("button", { name: "Allow" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("refused").waitFor();
    expect(asked.at(-1)?.body).toEqual({ query: QUERY, allow: false });
  });

  test("leaves a way to open the editor, which the browser may not have opened", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const redirect = "vscode://sallyport.sallyport/signed-in?code=abc";
    await fakeApi(page, {
      "POST /authorizations/prompt": { ...PROMPT, client: "sallyport-vscode", redirectTo: "vscode" },
      "POST /authorizations": { redirect },
    });
    await page.goto(consentAt(gateway));
    await page.getByText("the editor vscode on this computer").waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    const link = page.getByRole("link", { name: "Open your editor" });
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe(redirect);
    await screens(page, "consent-editor");
  });

  test("shows a bad request, and goes nowhere", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const message = "This client does not return to <script>alert(1)</script>.";
    await fakeApi(page, { "POST /authorizations/prompt": { status: 400, code: "bad_request", message } });
    await page.goto(`${gateway.url}/oauth/authorize?client_id=x&redirect_uri=https%3A%2F%2Fevil.example`);
    await page.getByText(message).waitFor();
    expect(await page.getByRole("button", { name: "Allow" }).count()).toBe(0);
    expect(new URL(page.url()).origin).toBe(gateway.url);
    await axe(page);
  });

  test.each([
    "https://evil.example/?code=1",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://127.0.0.1.evil.example/",
  ])("does not go to %s, even if the gateway says so", async (redirect) => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await fakeApi(page, { "POST /authorizations/prompt": PROMPT, "POST /authorizations": { redirect } });
    await page.goto(consentAt(gateway));
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText("The gateway named an address that no program of Sallyport has.").waitFor();
    expect(page.url()).toBe(consentAt(gateway));
  });

  test("shows what a program calls itself as text", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    const device = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`;
    await fakeApi(page, { "POST /authorizations/prompt": { ...PROMPT, device } });
    await page.goto(consentAt(gateway));
    await page.getByText(device).waitFor();
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.title()).toBe("Allow access · Sallyport");
  });

  test("asks for a fresh sign-in in place, and then does what was asked", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    let decisions = 0;
    await fakeApi(page, {
      "POST /authorizations/prompt": PROMPT,
      "POST /authorizations": () => {
        decisions += 1;
        return decisions === 1
          ? { status: 403, code: "reauthentication_required" }
          : { redirect: "http://127.0.0.1:9/signed-in?code=1" };
      },
    });
    await page.route("http://127.0.0.1:9/**", (route) => route.fulfill({ body: "the program's own page" }));
    await page.goto(consentAt(gateway));
    await page.getByRole("button", { name: "Allow" }).click();
    const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
    await dialog.waitFor();
    await dialog.getByText("Use an access token").click();
    await screens(page, "again");
    await dialog.getByLabel("Access token").fill(gateway.admin);
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("the program's own page").waitFor();
    expect(decisions).toBe(2);
  });

  test("does nothing if the person does not sign in again", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin);
    await fakeApi(page, {
      "POST /authorizations/prompt": PROMPT,
      "POST /authorizations": { status: 403, code: "reauthentication_required" },
    });
    await page.goto(consentAt(gateway));
    const allow = page.getByRole("button", { name: "Allow" });
    await allow.click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Nothing was changed").waitFor();
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  test("is never shown inside a different site's page", async () => {
    const gateway = await site();
    const evil = createServer((_request, response) => {
      response.setHeader("content-type", "text/html").end(`<iframe src="${consentAt(gateway)}"></iframe>`);
    }).listen(0, "127.0.0.1");
    await once(evil, "listening");
    onTestFinished(() => void evil.close().closeAllConnections());
    const page = await (await (await browser()).newContext()).newPage();
    const answered = page.waitForResponse(consentAt(gateway));
    await page.goto(`http://127.0.0.1:${Object(evil.address()).port}/`);
    expect((await answered).status()).toBe(200);
    // What Chromium shows instead of a page that refuses to be framed.
    await expect
      .poll(() => page.frames().map((frame) => frame.url()))
      .toContain("chrome-error://chromewebdata/");
    await page.context().close();
  });
});
