import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bind, parseListenAddress } from "../../../../../agent/client/tunnel/listen-address.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-listen-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("where to listen", () => {
  test.each([
    ["4000", { kind: "port", host: "127.0.0.1", port: 4000 }],
    ["localhost:0", { kind: "port", host: "localhost", port: 0 }],
    ["[::1]:22", { kind: "port", host: "::1", port: 22 }],
    ["./a.sock", { kind: "socket", path: resolve("a.sock") }],
    ["/run/a:1", { kind: "socket", path: "/run/a:1" }],
  ])("%s", (text, address) => {
    expect(parseListenAddress(text, "linux")).toEqual(address);
  });

  test.each(["0.0.0.0:22", "example.com:22", "a.sock", "70000", ""])("not %j", (text) => {
    expect(() => parseListenAddress(text, "linux")).toThrow(/--listen takes/);
  });

  test("a path is nothing on Windows", () => {
    expect(() => parseListenAddress("C:/a.sock", "win32")).toThrow(/port on Windows/);
  });
});

describe("a socket", () => {
  const at = () => parseListenAddress(join(directory, "ws.sock"), "linux");

  test("is its owner's alone, and making it leaves the umask alone", async () => {
    const umask = vi.spyOn(process, "umask");
    const { shown, close } = await bind(createServer(), at());
    expect(shown).toBe(join(directory, "ws.sock"));
    expect(statSync(shown).mode & 0o777).toBe(0o600);
    expect(umask).not.toHaveBeenCalled();
    close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("that a run left which could not tidy up is replaced, one that lives or something else is not", async () => {
    const { rename } = await import("node:fs/promises");
    const first = createServer((connection) => {
      connection.on("error", () => undefined); // A program that looks whether this lives is gone at once.
      connection.end("first");
    });
    const { close } = await bind(first, at());
    await expect(bind(createServer(), at())).rejects.toMatchObject({ stage: "file", code: "EADDRINUSE" });
    const said = await new Promise((done) =>
      connect(join(directory, "ws.sock")).once("data", (data) => done(String(data))),
    );
    expect(said).toBe("first");
    // Closing removes the socket by its name: under another one it stays, as after a crash.
    await rename(join(directory, "ws.sock"), join(directory, "dead.sock"));
    close();
    await rename(join(directory, "dead.sock"), join(directory, "ws.sock"));
    const second = createServer();
    const replacing = await bind(second, at());
    expect(replacing.shown).toBe(join(directory, "ws.sock"));
    replacing.close();
    writeFileSync(join(directory, "file"), "precious");
    await expect(
      bind(createServer(), parseListenAddress(join(directory, "file"), "linux")),
    ).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });
});
