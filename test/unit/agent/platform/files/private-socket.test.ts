import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { listenPrivately } from "../../../../../agent/platform/files/private-socket.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "socket-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

const greeter = () => createServer((socket) => socket.end("hello"));
function greeting(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ path });
    socket.once("error", reject);
    socket.once("data", (data) => resolve(String(data)));
  });
}

describe("a socket for its user alone", () => {
  test("has mode 0600 and leaves the process's umask alone", async () => {
    const umask = vi.spyOn(process, "umask");
    const path = join(directory, "s.sock");
    const listener = await listenPrivately(greeter(), path);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(umask).not.toHaveBeenCalled();
    expect(await greeting(path)).toBe("hello");
    expect(readdirSync(directory)).toEqual(["s.sock"]);
    listener.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("may have as long a path as any socket", async () => {
    const inside = join(directory, "d".repeat(105 - directory.length - 3));
    mkdirSync(inside);
    const path = join(inside, "s");
    expect(path.length).toBeGreaterThan(100);
    const listener = await listenPrivately(greeter(), path);
    expect(await greeting(path)).toBe("hello");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    listener.close();
    expect(readdirSync(inside)).toEqual([]);
  });

  test("is made in its own directory: the one above may be closed to its user, or a different file system", async () => {
    const inside = join(directory, "inside");
    mkdirSync(inside);
    const server = greeter();
    const seen: string[][] = [];
    server.once("listening", () => seen.push(readdirSync(directory), readdirSync(inside)));
    const listener = await listenPrivately(server, join(inside, "s"));
    expect(seen).toEqual([["inside"], [expect.stringMatching(/^\.\w{6}$/)]]);
    listener.close();
  });

  test("takes nobody's place", async () => {
    const path = join(directory, "taken");
    writeFileSync(path, "mine");
    await expect(listenPrivately(greeter(), path)).rejects.toMatchObject({ code: "EEXIST" });
    expect(readdirSync(directory)).toEqual(["taken"]);
  });

  test("goes with its listener, but not what has come in its place", async () => {
    const path = join(directory, "s.sock");
    const first = await listenPrivately(greeter(), path);
    unlinkSync(path);
    const second = await listenPrivately(greeter(), path);
    first.close();
    expect(await greeting(path)).toBe("hello");
    second.close();
    expect(existsSync(path)).toBe(false);
  });
});
