// The command line and the editor's extension against the real gateway, with a person who decides in a real browser.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { renewGrant } from "../../../agent/platform/credentials/token-endpoint.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type AccountId, parseAccountId } from "../../../protocol/values/id.ts";
import { openPage, type Site, signIn, site } from "../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../support/browser/chromium.ts";
import { until } from "../../support/until.ts";
import { PersonWithBrowser } from "./person.ts";

const browser = sharedBrowser();
let person: PersonWithBrowser;
beforeEach(() => {
  person = new PersonWithBrowser();
});
afterEach(() => {
  person.close();
});

/** A gateway at which a person has signed their browser in. */
async function signedInBrowser(): Promise<{ at: Site; page: Page; id: AccountId; token: string }> {
  const at = await site();
  const { token, id } = await at.account("ada");
  const page = await openPage(await browser());
  await signIn(page, at, token);
  return { at, page, id: parseAccountId(id), token };
}

/** `sallyport login` by the browser: what BROWSER is given is opened in the person's own one. */
async function login(at: Site, page: Page, decide: (page: Page) => Promise<void>) {
  const running = person.start(["login", at.url, "--browser", "--json"], person.handsOver());
  running.child.stdin?.end();
  await page.goto(
    await until(() => (existsSync(join(person.home, "opened")) ? person.opened[0] : undefined)),
  );
  await decide(page);
  return running.finished;
}

const allow = (page: Page) => page.getByRole("button", { name: "Allow" }).click();

describe.skipIf(BROWSER === undefined)("by the browser", () => {
  test("the person allows it on the page, comes to a page of this machine, and is signed in", async () => {
    const { at, page } = await signedInBrowser();
    const finished = await login(at, page, async () => {
      await page.getByText(/sallyport \S+ on /).waitFor();
      await allow(page);
      await page.getByText("go back to the terminal").waitFor();
    });
    expect(finished).toMatchObject({ code: 0 });
    expect(page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/signed-in\?/);
    expect(JSON.parse(finished.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
      event: "signed-in",
      account: "ada",
      scopes: ["account", "connect", "host"],
    });
    expect(await person.list()).toMatchObject({ code: 0, stdout: '{"workspaces":[]}\n' });
  });

  test("the person declines", async () => {
    const { at, page } = await signedInBrowser();
    const { code, stderr } = await login(at, page, async () => {
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("Not signed in").waitFor();
    });
    expect(code).toBe(1);
    expect(stderr).toContain("The sign-in was declined in the browser.");
  });

  test("renewals, and an answer that was lost, go unnoticed", async () => {
    const { at, page } = await signedInBrowser();
    await login(at, page, allow);
    for (let round = 0; round < 10; round++) {
      person.expire();
      const both = await Promise.all([person.list(), person.list()]);
      expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
        { code: 0, stderr: "" },
        { code: 0, stderr: "" },
      ]);
    }
    const { renewal } = person.stored();
    if (renewal === undefined) throw new Error("nothing is kept that could be renewed");
    // As by a process that was killed before it wrote what it got.
    await renewGrant(parseGatewayUrl(at.url), renewal.client, renewal.refresh, { env: {} });
    person.expire();
    expect(await person.list()).toMatchObject({ code: 0, stderr: "" });
  });

  test("signing out ends the sign-in at the gateway", async () => {
    const { at, page, id } = await signedInBrowser();
    await login(at, page, allow);
    const clients = async () =>
      (await at.gateway.store.signIns.list(id)).filter(({ kind }) => kind === "client");
    expect(await clients()).toHaveLength(1);
    const { access } = person.stored();
    expect((await person.run(["logout"])).stdout).toContain("This machine's sign-in is ended there");
    expect(await clients()).toEqual([]);
    await expect(at.gateway.store.authenticate(access)).rejects.toMatchObject({ code: "token_revoked" });
  });

  test("a sign-in that is ended at the gateway is told by `list` and by the companion", async () => {
    const { at, page, token } = await signedInBrowser();
    await login(at, page, allow);
    const ended = await at.call("DELETE", `/tokens/${person.stored().renewal?.signIn}`, token);
    expect(ended.status).toBe(204);
    for (const args of [["list"], ["tunnel", at.url, "devbox"]]) {
      const { code, stderr } = await person.run(args);
      expect({ args, code }).toEqual({ args, code: 1 });
      expect(stderr).toMatch(
        /^sallyport: sign-in: Your sign-in at http:\/\/localhost:\d+ has ended .*run `sallyport login http:\/\/localhost:\d+`\.$/m,
      );
    }
  });
});

describe.skipIf(BROWSER === undefined)("by a device code", () => {
  test("the person enters it on the page", async () => {
    const { at, page } = await signedInBrowser();
    const running = person.start(["login", at.url, "--device", "--json", "--scopes", "connect"]);
    let text = "";
    running.child.stdout?.on("data", (part: string) => {
      text += part;
    });
    const { userCode, verificationUri } = JSON.parse(await until(() => /^(.*)\n/.exec(text)?.[1]));
    await page.goto(verificationUri);
    await page.getByLabel("Code").fill(userCode.replace("-", " ").toLowerCase());
    await page.getByRole("button", { name: "Continue" }).click();
    await allow(page);
    await page.getByText("The device is signed in").waitFor();
    expect((await running.finished).code).toBe(0);
    expect((await person.list()).code).toBe(0);
    expect(JSON.parse(text.trim().split("\n").at(-1) ?? "")).toMatchObject({ scopes: ["connect"] });
  });
});
