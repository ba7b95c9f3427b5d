// Programs sign in for real: the client of the command line, the pages in a browser, and the gateway between them. And pages of
// others on the same machine, which browsers hold to be of the same site, try to consent for the person.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { signInByBrowser } from "../../../agent/client/sign-in/browser.ts";
import { askForDeviceCode, pollForTokens } from "../../../agent/client/sign-in/device-code.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { openPage, type Site, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { authorizationQuery, newVerifier } from "../../support/oauth.ts";

const browser = sharedBrowser();
const SCOPES = ["connect", "account"] as const;

async function personAt(): Promise<{ readonly gateway: Site; readonly page: Page; readonly token: string }> {
  const gateway = await site();
  const { token } = await gateway.account("ada");
  const page = await openPage(await browser());
  await signIn(page, gateway, token);
  return { gateway, page, token };
}

function wishAt(gateway: Site) {
  return {
    gateway: parseGatewayUrl(gateway.url),
    client: "sallyport-cli",
    scopes: SCOPES,
    device: "sallyport on laptop",
  } as const;
}

function context() {
  return { env: { SALLYPORT_PROXY: "none" }, signal: AbortSignal.timeout(100_000) };
}

/** A page of a different origin on this machine. */
async function otherPage(page: Page, html: string): Promise<void> {
  const other = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end(html);
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close().closeAllConnections());
  await page.goto(`http://localhost:${Object(other.address()).port}/`);
}

describe.skipIf(BROWSER === undefined)("a program", () => {
  test("opens the page, the person allows it there, and it is signed in", async () => {
    const { gateway, page } = await personAt();
    const signedIn = signInByBrowser(wishAt(gateway), async (url) => void (await page.goto(url)), context());
    await page.getByText("sallyport on laptop").waitFor();
    await page.getByLabel("Manage your SSH keys").uncheck();
    await page.getByRole("button", { name: "Allow" }).click();
    const { credential, account, scopes } = await signedIn;
    expect([account, scopes]).toEqual(["ada", ["connect"]]);
    const listed = await gateway.call("GET", "/me", credential.access);
    expect(listed.body.account.name).toBe("ada");
    // The page that the program itself shows.
    await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/signed-in\?code=/);
  });

  test("is told that the person declined", async () => {
    const { gateway, page } = await personAt();
    const signedIn = signInByBrowser(wishAt(gateway), async (url) => void (await page.goto(url)), context());
    signedIn.catch(() => undefined);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect(signedIn).rejects.toMatchObject({ code: "sign_in_denied" });
  });

  test("that asks for what no program gets is told at once", async () => {
    const { gateway, page } = await personAt();
    const signedIn = signInByBrowser(
      wishAt(gateway),
      async (url) => void (await page.goto(url.replace("scope=connect", "scope=admin"))),
      context(),
    );
    await expect(signedIn).rejects.toMatchObject({ code: "sign_in_failed" });
  });

  test("without a browser shows a code, which the person compares and allows", async () => {
    const { gateway, page } = await personAt();
    const wish = wishAt(gateway);
    const code = await askForDeviceCode(wish, context());
    await page.goto(code.verificationUriComplete);
    await page.getByText(code.userCode).waitFor();
    await page.getByRole("button", { name: "Yes, the same code" }).click();
    await page.getByText("sallyport on laptop").waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText("The device is signed in.").waitFor();
    const clock = { now: Date.now, sleep: async () => undefined };
    const { account } = await pollForTokens(wish, code, context(), clock);
    expect(account).toBe("ada");
  });
});

describe.skipIf(BROWSER === undefined)("a page of a different origin on the same machine", () => {
  test("cannot consent, by a form or by a script", async () => {
    const { gateway, page, token } = await personAt();
    const query = authorizationQuery(newVerifier().challenge);
    const body = JSON.stringify({ query, allow: true });
    const cookies = await page.context().cookies(gateway.url);
    expect(cookies.map(({ name }) => name)).toContain("__Host-sp_session");
    const refused: number[] = [];
    page.on("response", (response) => {
      if (response.url().endsWith("/api/v1/authorizations")) refused.push(response.status());
    });
    await otherPage(
      page,
      `<form method="post" enctype="text/plain" action="${gateway.url}/api/v1/authorizations">
        <input name='${body.slice(0, -1)},"x":"' value='"}'></form>`,
    );
    await page.evaluate(
      async ([url, sent]) => {
        await fetch(url, {
          method: "POST",
          mode: "no-cors",
          credentials: "include",
          headers: { "content-type": "text/plain" },
          body: sent,
        });
      },
      [`${gateway.url}/api/v1/authorizations`, body] as const,
    );
    await Promise.all([page.waitForNavigation(), page.evaluate("document.forms[0].submit()")]);
    expect(refused).toHaveLength(2);
    for (const status of refused) expect([401, 415]).toContain(status);
    const { body: signIns } = await gateway.call("GET", "/sign-ins", token);
    expect(signIns.map(({ kind }: { kind: string }) => kind)).toEqual(["browser"]);
  });
});
