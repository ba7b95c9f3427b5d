// What a gateway with --downloads serves, and what it does not.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readlinkSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { get as httpGet, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MANIFEST_FILE, SIGNATURE_FILE } from "../../../protocol/release/manifest.ts";
import { writeRelease } from "../../support/offered-release.ts";
import { temporaryDirectory, testGateway } from "../../support/test-gateway.ts";

const ARCHIVE = "sallyport-linux-x64.tar.gz";
const VERSION = "1.2.3";

async function serving(more: Record<string, string | Buffer> = {}) {
  const downloads = join(temporaryDirectory(), "release");
  const manifest = writeRelease(downloads, VERSION, more);
  const test = await testGateway({ downloads });
  const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    test.send(method, path, undefined, { headers });
  const sha256 = (name: string) => manifest.files.find((file) => file.name === name)?.sha256 ?? "";
  return { ...test, downloads, manifest, get, sha256 };
}

/** `fetch` would resolve `%2e%2e` before it asks. */
async function getAsItIs(url: string, path: string): Promise<{ status: number | undefined; body: string }> {
  const { hostname, port } = new URL(url);
  const [response] = (await once(httpGet({ hostname, port, path }), "response")) as [IncomingMessage];
  let body = "";
  for await (const part of response.setEncoding("utf8")) body += part;
  return { status: response.statusCode, body };
}

const digestOf = async (response: Response) =>
  createHash("sha256")
    .update(Buffer.from(await response.arrayBuffer()))
    .digest("hex");

test("without --downloads, the answer says how to offer programs", async () => {
  const { raw } = await testGateway();
  for (const path of [
    "/install.sh",
    "/install.ps1",
    "/bin/manifest.json",
    `/bin/${ARCHIVE}`,
    "/sallyport.vsix",
  ]) {
    expect(await raw("GET", path)).toMatchObject({
      status: 404,
      body: { code: "not_found", message: expect.stringContaining("--downloads DIR") },
    });
  }
});

test("every file of the manifest is served with its digest as entity tag, and nothing else of the directory", async () => {
  const { get, manifest, downloads, gateway } = await serving({ "sallyport-win-x64.exe": "MZ" });
  for (const { name, sha256, size } of manifest.files) {
    const response = await get(`/bin/${name}`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag: `"${sha256}"`,
      "content-length": String(size),
      "accept-ranges": "bytes",
      "cache-control": "no-cache, no-transform",
      "content-disposition": `attachment; filename="${name}"`,
      "x-content-type-options": "nosniff",
    });
    expect(await digestOf(response)).toBe(sha256);
  }
  writeFileSync(join(downloads, "secret"), "x");
  for (const name of [
    "secret",
    "..%2Fsecret",
    "%2e%2e",
    "manifest.json%2F..",
    ".making-x",
    "release",
    "a".repeat(110),
  ]) {
    const { status, body } = await getAsItIs(gateway.httpUrl, `/bin/${name}`);
    expect([400, 404], name).toContain(status);
    expect(JSON.parse(body)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  }
});

test("manifest and signature come byte for byte, and the extension by a name that stays", async () => {
  const { get, sha256 } = await serving();
  const manifest = await get(`/bin/${MANIFEST_FILE}`);
  expect(manifest.headers.get("content-type")).toMatch(/^application\/json/);
  expect(await manifest.json()).toMatchObject({ version: VERSION });
  expect(await (await get(`/bin/${SIGNATURE_FILE}`)).text()).toMatch(/^[A-Za-z0-9+/]{86}==\n$/);
  const vsix = await get("/sallyport.vsix");
  expect(vsix.headers.get("etag")).toBe(`"${sha256(`sallyport-${VERSION}.vsix`)}"`);
  expect(await vsix.text()).toBe(`the extension ${VERSION}`);
});

test("HEAD, If-None-Match and Range are answered as RFC 9110 says", async () => {
  const { get, sha256, raw } = await serving({ letters: "abcdefghij" });
  const etag = `"${sha256("letters")}"`;
  const head = await get("/bin/letters", {}, "HEAD");
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "10", ""]);
  const known = await get("/bin/letters", { "if-none-match": etag });
  expect([known.status, known.headers.get("etag"), await known.text()]).toEqual([304, etag, ""]);
  const part = await get("/bin/letters", { range: "bytes=3-", "if-range": etag });
  expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
    206,
    "bytes 3-9/10",
    "defghij",
  ]);
  const beyond = await raw("GET", "/bin/letters", undefined, { headers: { range: "bytes=10-" } });
  expect(beyond).toMatchObject({ status: 416, body: { code: "bad_range" } });
  expect(beyond.headers.get("content-range")).toBe("bytes */10");
  for (const path of ["/install.sh", "/install.ps1", `/bin/${MANIFEST_FILE}`]) {
    const first = await get(path, {}, "HEAD");
    expect([first.status, await first.text()]).toEqual([200, ""]);
    expect((await get(path, { "if-none-match": first.headers.get("etag") ?? "" })).status).toBe(304);
  }
});

describe("a file that is not the one that the manifest names", () => {
  test.each([
    ["has other bytes", (path: string) => writeFileSync(path, "abcdefghiJ")],
    ["is longer", (path: string) => writeFileSync(path, "abcdefghijk")],
    [
      "is a directory",
      (path: string) => {
        unlinkSync(path);
        mkdirSync(path);
      },
    ],
  ])("is not served if it %s, and the log says so once", async (_how, spoil) => {
    const { raw, downloads, logLines, get } = await serving({ letters: "abcdefghij" });
    expect((await get("/bin/letters")).status).toBe(200);
    spoil(join(downloads, "letters"));
    for (const _ of [1, 2]) {
      expect(await raw("GET", "/bin/letters")).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
    const lines = logLines.filter((line) => line.includes("is not the one that the manifest names"));
    expect(lines).toHaveLength(1);
    expect((await get(`/bin/${ARCHIVE}`)).status).toBe(200);
  });

  test("is not served if it is missing", async () => {
    const { raw, downloads } = await serving({ letters: "abcdefghij" });
    unlinkSync(join(downloads, "letters"));
    expect(await raw("GET", "/bin/letters")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  test("is found when the gateway starts, before anybody asks", async () => {
    const downloads = join(temporaryDirectory(), "release");
    writeRelease(downloads, VERSION, { letters: "abcdefghij" });
    writeFileSync(join(downloads, "letters"), "abcdefghiJ");
    const { logLines } = await testGateway({ downloads });
    await expect.poll(() => logLines.join("")).toMatch(/"letters".*is not the one that the manifest names/);
  });
});

test("a release in the place of another is served without a restart", async () => {
  const { get, downloads } = await serving();
  const version = async () => await (await get(`/bin/${MANIFEST_FILE}`)).json();
  expect(await version()).toMatchObject({ version: VERSION });
  writeRelease(`${downloads}-next`, "1.3.0");
  renameSync(downloads, `${downloads}-former`);
  renameSync(`${downloads}-next`, downloads);
  await expect.poll(version).toMatchObject({ version: "1.3.0" });
  expect(await (await get("/install.sh")).text()).toContain("version='1.3.0'");
  expect(await (await get("/sallyport.vsix")).text()).toBe("the extension 1.3.0");
});

test("a directory without a release stops nobody: the gateway starts, says so, and serves one that comes later", async () => {
  const downloads = join(temporaryDirectory(), "release");
  const { raw, send, logLines } = await testGateway({ downloads });
  await expect.poll(() => logLines.join("")).toContain("There is no release to download");
  expect(await raw("GET", "/install.sh")).toMatchObject({ status: 404, body: { code: "not_found" } });
  writeRelease(downloads, VERSION);
  await expect.poll(async () => (await send("GET", "/install.sh", undefined)).status).toBe(200);
});

test.skipIf(process.platform === "win32")("a pipe in the place of a file keeps nobody waiting", async () => {
  const { get, downloads } = await serving();
  expect((await get(`/bin/${ARCHIVE}`)).status).toBe(200);
  for (const name of [ARCHIVE, `sallyport-${VERSION}.vsix`]) {
    unlinkSync(join(downloads, name));
    execFileSync("mkfifo", [join(downloads, name)]);
    expect((await get(`/bin/${name}`)).status).toBe(404);
  }
});

test("the installers name the public URL, whatever a request calls the gateway", async () => {
  const downloads = join(temporaryDirectory(), "release");
  writeRelease(downloads, VERSION);
  const { gateway } = await testGateway({ downloads, publicUrl: null });
  const { hostname, port } = new URL(gateway.httpUrl);
  for (const path of ["/install.sh", "/install.ps1"]) {
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: evil';id;'\r\nX-Forwarded-Host: evil\r\nConnection: close\r\n\r\n`,
    );
    let answer = "";
    for await (const data of socket.setEncoding("utf8")) answer += data;
    expect(answer).toContain(`gateway${path.endsWith("sh") ? "=" : " = "}'${gateway.httpUrl}'`);
    expect(answer).not.toContain("evil");
  }
});

test("a client that has gone away leaves no open file, and one that asks again gets it", async () => {
  const { gateway, get, downloads } = await serving({ big: Buffer.alloc(32 * 1024 * 1024) });
  const { hostname, port } = new URL(gateway.httpUrl);
  // As many as one address may have, one after the other: none of them keeps its slot.
  for (let index = 0; index < 150; index++) {
    const socket = connect(Number(port), hostname);
    socket.write("GET /bin/big HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    await once(socket, "close");
  }
  await expect.poll(async () => (await get("/bin/big", { range: "bytes=0-0" })).status).toBe(206);
  if (process.platform === "linux") await expect.poll(() => openFiles(join(downloads, "big"))).toBe(0);
});

/** How many descriptors of this process, which is the gateway's, are of the file. */
function openFiles(path: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // Closed meanwhile.
    }
  }).length;
}
