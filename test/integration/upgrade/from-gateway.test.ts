// What a gateway, or whatever stands in its place, may send.

import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type DownloadLimits, LIMITS } from "../../../agent/client/upgrade/http-file.ts";
import { gatewaySource } from "../../../agent/client/upgrade/release-source.ts";
import { upgrade } from "../../../agent/client/upgrade/upgrade.ts";
import { networkWithEditor } from "../../../agent/platform/network/configured-network.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { fakeRelease, installedFile, PLATFORM, program, signer } from "../../support/fake-release.ts";

const ours = signer();
const signal = AbortSignal.timeout(100_000);
const FILE = `/bin/sallyport-${PLATFORM}`;
/** Long enough for several reads. */
const BIG = `# ${"x".repeat(1_000_000)}`;

type Answer = (request: IncomingMessage, response: ServerResponse, bytes: Buffer) => void;

/** Serves a release as a gateway does, but what is in `instead` by its path. */
async function gateway(release: string, instead: Readonly<Record<string, Answer>>) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    requests.push(`${url}${headers.range === undefined ? "" : ` ${headers.range}`}`);
    const name = /^\/bin\/([\w.-]+)$/.exec(url)?.[1];
    const path = join(release, name ?? "");
    const bytes =
      name !== undefined && statSync(path, { throwIfNoEntry: false }) ? readFileSync(path) : undefined;
    const answer = instead[url];
    if (answer !== undefined) answer(request, response, bytes ?? Buffer.alloc(0));
    else if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = parseGatewayUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { url, requests };
}

/** The rest of the file from where the request wants it, and no more than `length` bytes of that before the end or a cut. */
function part(
  { headers }: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  length = Infinity,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  const rest = bytes.subarray(from);
  response.setHeader("content-length", rest.length);
  if (from > 0) response.setHeader("content-range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  response.writeHead(from > 0 ? 206 : 200);
  if (rest.length <= length) response.end(rest);
  else response.write(rest.subarray(0, length), () => response.destroy());
}

describe.each([
  ["the agent's own client", networkWithEditor({}, undefined)],
  ["an editor's fetch", undefined],
])("through %s", (_, network) => {
  async function attempt(instead: Readonly<Record<string, Answer>>, limits: Partial<DownloadLimits> = {}) {
    const { url, requests } = await gateway(await fakeRelease("1.1.0", ours, BIG), instead);
    const installation = installedFile("1.0.0");
    const outcome = await upgrade({
      installation,
      running: "1.0.0",
      platform: PLATFORM,
      source: () => gatewaySource(url, network, { ...LIMITS, retryMs: 1, ...limits }),
      keys: ours.keys,
      version: undefined,
      signal,
    }).catch((error: unknown) => error);
    return { outcome, requests, left: readdirSync(dirname(installation.path)), url };
  }

  test("a release is installed", async () => {
    const { outcome, requests } = await attempt({});
    expect(outcome).toEqual({ version: "1.1.0", changed: true });
    expect(requests).toEqual(["/bin/manifest.json", "/bin/manifest.json.sig", FILE]);
  });

  test("a download that is cut goes on where it ended", async () => {
    let cuts = 0;
    const { outcome, requests } = await attempt({
      [FILE]: (request, response, bytes) => part(request, response, bytes, cuts++ < 2 ? 300_000 : Infinity),
    });
    expect(outcome).toEqual({ version: "1.1.0", changed: true });
    expect(requests.slice(2)).toEqual([
      FILE,
      expect.stringMatching(/ bytes=[1-9]/),
      expect.stringMatching(/ bytes=[1-9]/),
    ]);
  });

  test("a gateway that is busy for a moment in between is waited for", async () => {
    let requests = 0;
    const { outcome } = await attempt({
      [FILE]: (request, response, bytes) => {
        requests++;
        if (requests === 1) part(request, response, bytes, 300_000);
        else if (requests < 4) response.writeHead(503).end();
        else part(request, response, bytes);
      },
    });
    expect(outcome).toEqual({ version: "1.1.0", changed: true });
  });

  test("a server that knows no ranges sends it again from the start", async () => {
    let cuts = 0;
    const { outcome } = await attempt({
      [FILE]: ({ headers: { range: _range, ...headers } }, response, bytes) =>
        part(Object({ headers }), response, bytes, cuts++ < 1 ? 300_000 : Infinity),
    });
    expect(outcome).toEqual({ version: "1.1.0", changed: true });
  });

  test("a server that sends another range than it was asked for is refused", async () => {
    let cuts = 0;
    const { outcome } = await attempt({
      [FILE]: (request, response, bytes) => {
        if (cuts++ === 0) part(request, response, bytes, 300_000);
        else
          response
            .writeHead(206, { "content-range": `bytes 0-9/${bytes.length}` })
            .end(bytes.subarray(0, 10));
      },
    });
    expect(outcome).toMatchObject({ code: "not_a_gateway" });
  });

  test.each<[string, string, Record<string, Answer>, Partial<DownloadLimits>?]>([
    [
      "a gateway without downloads",
      "no_release",
      { "/bin/manifest.json": (_q, r) => r.writeHead(404).end() },
    ],
    ["a page instead of the manifest", "bad_signature", { "/bin/manifest.json": page }],
    ["a page instead of the program", "incomplete", { [FILE]: page }],
    ["an endless manifest", "too_large", { "/bin/manifest.json": endless }],
    ["an endless signature", "too_large", { "/bin/manifest.json.sig": endless }],
    ["an endless program", "too_large", { [FILE]: endless }],
    ["a program that stops coming", "stalled", { [FILE]: (_q, r) => r.write("x") }, { stallMs: 200 }],
    ["a program that drips", "too_slow", { [FILE]: drip }, { answerMs: 500 }],
    ["a manifest that never comes", "stalled", { "/bin/manifest.json": () => {} }, { stallMs: 200 }],
    ["a redirect elsewhere", "redirected", { [FILE]: (_q, r) => redirect(r, "http://127.0.0.2:1/x") }],
    ["a redirect to another scheme", "redirected", { [FILE]: (_q, r) => redirect(r, "ftp://127.0.0.1/x") }],
    ["redirects in a circle", "redirected", { [FILE]: (_q, r) => redirect(r, FILE) }],
    ["a server that is busy", "busy", { [FILE]: (_q, r) => r.writeHead(429).end() }],
  ])("%s is refused, and nothing is left behind", async (_what, code, instead, limits) => {
    const { outcome, left } = await attempt(instead, limits);
    expect(outcome).toMatchObject({ code });
    expect(left).toEqual(["sallyport"]);
  });

  test("a redirect within the server is followed", async () => {
    const { outcome } = await attempt({
      [FILE]: (_request, response) => redirect(response, "/elsewhere"),
      "/elsewhere": (_request, response) => response.end(program("1.1.0", BIG)),
    });
    expect(outcome).toEqual({ version: "1.1.0", changed: true });
  });
});

function page(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html" }).end("<html>Please sign in</html>");
}

function endless(_request: IncomingMessage, response: ServerResponse): void {
  const block = Buffer.alloc(64 * 1024);
  const more = (): void => {
    while (!response.destroyed && response.write(block));
    response.once("drain", more);
  };
  more();
}

function drip(_request: IncomingMessage, response: ServerResponse): void {
  const timer = setInterval(() => response.write("x"), 50);
  response.on("close", () => clearInterval(timer));
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

test("an old manifest that is genuine does not bring an old version back", async () => {
  const old = await fakeRelease("0.9.0", ours);
  const { url } = await gateway(old, {});
  const installation = installedFile("1.0.0");
  const source = () => gatewaySource(url, undefined);
  const request = {
    installation,
    running: "1.0.0",
    platform: PLATFORM,
    source,
    keys: ours.keys,
    signal,
  } as const;
  await expect(upgrade({ ...request, version: undefined })).rejects.toMatchObject({ code: "older_offered" });
});
