// The health page in a browser at a real gateway, straight and behind a proxy that spoils things.

import { createServer, request as httpRequest } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import WebSocket from "ws";
import { parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { CHECK_SUBPROTOCOL } from "../../../../protocol/web-socket/check.ts";
import { openPage, screens, signIn, site } from "../../../support/browser/browser.ts";
import { BROWSER, sharedBrowser } from "../../../support/browser/chromium.ts";
import { freePort } from "../../../support/loopback.ts";

const browser = sharedBrowser();

describe.skipIf(BROWSER === undefined)("the health page", () => {
  test("finds a gateway well that is reached directly", async () => {
    const gateway = await site();
    const page = await openPage(await browser());
    await signIn(page, gateway, gateway.admin, "/admin/health");
    await page.getByText("All is well.").first().waitFor();
    const finding = (title: string) =>
      page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
    for (const title of [
      "Public URL",
      "Encryption",
      "Cookies",
      "WebSocket",
      "Live updates",
      "Clock",
      "Proxy in front",
      "Database",
    ]) {
      expect(await finding(title).locator(".badge.good").count(), title).toBe(1);
    }
    await finding("SSH address").getByText("Note").waitFor();
    await screens(page, "health");
  });

  test("names what a proxy in front of the gateway breaks", async () => {
    const inner = await freePort();
    const outer = await freePort();
    const publicUrl = parseGatewayUrl(`http://localhost:${outer}`);
    const gateway = await site({ http: { host: "127.0.0.1", port: inner }, publicUrl });
    // It passes no Upgrade on, keeps event streams for itself, and names the client without being trusted.
    const proxy = createServer((incoming, outgoing) => {
      const { upgrade: _, connection: __, ...kept } = incoming.headers;
      const headers = { ...kept, "x-forwarded-for": "203.0.113.9" };
      const { method, url: path } = incoming;
      const passed = httpRequest({ host: "127.0.0.1", port: inner, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        if (path?.startsWith("/api/v1/events") === true) outgoing.flushHeaders();
        else answer.pipe(outgoing);
      });
      passed.on("error", () => outgoing.destroy());
      outgoing.on("close", () => passed.destroy());
      incoming.pipe(passed);
    });
    await new Promise<void>((resolve) => proxy.listen(outer, "127.0.0.1", resolve));
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const page = await openPage(await browser());
    page.removeAllListeners("console"); // The browser says itself that the WebSocket fails.
    await signIn(page, { url: publicUrl }, gateway.admin, "/admin/health");
    await page.getByText("Something does not work.").first().waitFor();
    await page.getByText("Something in front of the gateway answers WebSockets itself.").waitFor();
    await page.getByText("The event stream opens, but nothing arrives").waitFor();
    await page.getByText("which the gateway ignores because it does not trust that address").waitFor();
    await page.getByText("--trust-proxy 127.0.0.1").waitFor();
    await screens(page, "health-broken");
  });

  test("says where the page is, if the gateway believes to be elsewhere", async () => {
    const gateway = await site({ publicUrl: parseGatewayUrl("http://localhost:1") });
    const { port } = new URL(gateway.gateway.httpUrl);
    const page = await openPage(await browser());
    const at = { url: `http://localhost:${port}` };
    page.removeAllListeners("console"); // The browser says itself that the WebSocket is refused.
    await signIn(page, at, gateway.admin, "/admin/health");
    await page
      .getByText(
        `This page is at http://localhost:${port}, but the gateway says that it is at http://localhost:1.`,
      )
      .waitFor();
    await page.getByText("It can be tested once the public URL is this page's.").waitFor();
  });
});

describe("the WebSocket for testing", () => {
  test("is for pages of the gateway itself, and carries nothing", async () => {
    const gateway = await site();
    const open = (origin: string | undefined, path = "/tunnel", protocol: string = CHECK_SUBPROTOCOL) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(
          `${gateway.url.replace("http", "ws")}${path}`,
          protocol,
          origin === undefined ? {} : { origin },
        );
        let opened = false;
        socket.on("open", () => {
          opened = true;
          socket.send("x".repeat(1_000));
        });
        socket.on("message", () => resolve("message"));
        socket.on("error", ({ message }) => resolve(message));
        socket.on("close", (code) => resolve(`${opened ? "opened" : "refused"} ${code}`));
      });
    expect(await open(gateway.url)).toMatch(/^opened (?:1000|1006)$/);
    for (const origin of [
      "http://evil.example",
      "null",
      `${gateway.url}.evil.example`,
      gateway.url.replace("localhost", "127.0.0.1"),
    ]) {
      expect(await open(origin), origin).toBe("Unexpected server response: 403");
    }
    expect(await open(gateway.url, "/link")).toBe("Unexpected server response: 403");
    expect(await open(gateway.url, "/tunnel", "sallyport.v1.raw")).toBe("Unexpected server response: 403");
    expect(await open(undefined)).toMatch(/Unexpected server response: 4\d\d/);
  });
});
