// How the gateway serves the dashboard: its headers to the letter, its files, and what gets no page.

import { request } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { PAGES } from "../../../protocol/sign-in/pages.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { testGateway } from "../../support/test-gateway.ts";

type Gateway = Awaited<ReturnType<typeof testGateway>>;

const PAGE = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "content-type": "text/html; charset=utf-8",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy":
    "publickey-credentials-create=(self), publickey-credentials-get=(self), clipboard-write=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};
/** What the server adds to every answer. */
const ALWAYS = new Set(["connection", "content-length", "date", "keep-alive"]);
const BROWSER = { accept: "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate" };

interface Reply {
  readonly status: number;
  /** Without those of every answer. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Asks as it is written: `fetch` would rewrite the path, decode the body, and say itself how it was called. */
function open(
  { gateway }: Gateway,
  path: string,
  headers: Readonly<Record<string, string>> = BROWSER,
  method = "GET",
): Promise<Reply> {
  const { hostname, port } = new URL(gateway.httpUrl);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).filter(([name]) => !ALWAYS.has(name))),
          body: Buffer.concat(parts),
        }),
      );
    })
      .on("error", reject)
      .end();
  });
}
const jsonOf = ({ body }: Reply): unknown => JSON.parse(body.toString());

/** The path of the first file whose name begins like this, from the page's HTML. */
async function assetPath(gateway: Gateway, name: string): Promise<string> {
  const html = (await open(gateway, "/")).body.toString();
  return new RegExp(`/assets/${name}-[A-Za-z0-9]+\\.\\w+`).exec(html)?.[0] ?? "";
}

describe("the pages", () => {
  test("are served at every path, to programs too, with exactly these headers", async () => {
    const gateway = await testGateway();
    for (const path of Object.values(PAGES)) {
      const response = await open(gateway, path.replace(":ref", "box.ada"), {});
      expect(response.status, path).toBe(200);
      expect(response.headers, path).toEqual(PAGE);
      expect(response.body.toString()).toMatch(/^<!doctype html>/);
    }
  });

  test("answer HEAD like GET, without the page", async () => {
    const gateway = await testGateway();
    const response = await open(gateway, "/", {}, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers).toEqual(PAGE);
    expect(response.body).toHaveLength(0);
  });

  test("have neither script nor style of their own, since the policy would refuse it", async () => {
    const html = (await open(await testGateway(), "/")).body.toString();
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/i);
  });

  test("carry the path of the public URL, and follow no header of the request", async () => {
    const gateway = await testGateway({ publicUrl: parseGatewayUrl("https://gateway.example/sub/port") });
    const forged = { ...BROWSER, "x-forwarded-prefix": "/evil", "x-forwarded-host": "evil.example" };
    const html = (await open(gateway, "/", forged)).body.toString();
    expect(html).toContain('data-base="/sub/port"');
    expect(html).toMatch(/src="\/sub\/port\/assets\/main-\w+\.js"/);
    expect(html).not.toContain("evil");
  });

  test("a path that no page has gets the page with status 404 in a browser, and the error for programs", async () => {
    const gateway = await testGateway();
    for (const path of [
      "/nothing",
      "/workspaces/a/b",
      "/%3Cscript%3Ealert(1)%3C/script%3E",
      "/admin/people/x",
    ]) {
      const page = await open(gateway, path);
      expect(page.status, path).toBe(404);
      expect(page.headers, path).toEqual(PAGE);
      expect(page.body.toString()).not.toContain("alert(1)");
      const refusal = await open(gateway, path, { "sec-fetch-mode": "cors", accept: "text/html" });
      expect(refusal.status).toBe(404);
      expect(jsonOf(refusal)).toMatchObject({ code: "not_found" });
    }
    for (const path of ["/api/v1/nothing", "/assets/nothing", "/.well-known/nothing", "/assets/../x"]) {
      const refusal = await open(gateway, path);
      expect(refusal.status, path).toBe(404);
      expect(jsonOf(refusal), path).toMatchObject({ code: "not_found" });
    }
    expect(jsonOf(await open(gateway, "/nothing", BROWSER, "POST"))).toMatchObject({ code: "not_found" });
  });

  test("are not there with --no-dashboard", async () => {
    const gateway = await testGateway({ dashboard: false });
    const page = await open(gateway, "/");
    expect(page.status).toBe(404);
    expect(jsonOf(page)).toMatchObject({ code: "not_found" });
  });

  test("stay out of the API's description", async () => {
    const gateway = await testGateway();
    const { body } = await gateway.call("GET", "/openapi.json");
    expect(
      Object.keys(body.paths).filter(
        (path) => !/^\/(api|\.well-known|healthz|readyz|bin|install|sallyport|release)/.test(path),
      ),
    ).toEqual([]);
  });
});

describe("the files", () => {
  test("are the same in every encoding, for ever, and with exactly these headers", async () => {
    const gateway = await testGateway();
    const path = await assetPath(gateway, "main");
    const raw = async (encoding: string) => (await open(gateway, path, { "accept-encoding": encoding })).body;
    const plain = await raw("identity");
    expect(brotliDecompressSync(await raw("gzip;q=0.5, br"))).toEqual(plain);
    expect(gunzipSync(await raw("gzip, br;q=0"))).toEqual(plain);
    const response = await open(gateway, path, { "accept-encoding": "identity" });
    const { etag } = response.headers;
    expect(response.headers).toEqual({
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "text/javascript; charset=utf-8",
      "cross-origin-resource-policy": "same-origin",
      etag,
      "referrer-policy": "no-referrer",
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
    });
    const again = await open(gateway, path, { "if-none-match": String(etag) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const head = await open(gateway, path, {}, "HEAD");
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  test("are a style sheet and an icon as well", async () => {
    const gateway = await testGateway();
    for (const [name, type] of [
      ["style", "text/css; charset=utf-8"],
      ["icon", "image/svg+xml"],
    ] as const) {
      const response = await open(gateway, await assetPath(gateway, name));
      expect([response.status, response.headers["content-type"]]).toEqual([200, type]);
    }
  });

  test.each([
    "/assets/..%2findex.json",
    "/assets/%2e%2e/index.json",
    "/assets/index.json",
    "/assets/main.js",
    "/assets/",
  ])("%s is none of them", async (path) => {
    const gateway = await testGateway();
    const response = await open(gateway, path, {});
    expect(response.status).toBe(404);
    expect(jsonOf(response)).toMatchObject({ code: "not_found" });
  });
});
