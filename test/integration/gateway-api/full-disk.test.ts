// A gateway whose disk is really full: a file system of 1 MiB in a mount namespace of its own.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { CLI } from "../../../scripts/stack.ts";

const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

let shell: ChildProcess | undefined;
let directory: string | undefined;
afterEach(async () => {
  const ended = new Promise((resolve) => shell?.once("exit", resolve));
  shell?.stdin?.end();
  if (shell !== undefined) await ended;
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

/** Runs until its stdin ends; each line there is a command in the gateway's namespace. */
const SCRIPT = `
mount -t tmpfs -o size=1m,mode=700 tmpfs "$1" || exit 1
"$2" "$3" gateway --json --http 127.0.0.1:0 --metrics 127.0.0.1:0 --data "$1" &
while read -r command; do eval "$command"; done
kill $! && wait $!
`;

interface Ready {
  readonly http: string;
  readonly metrics: string;
  readonly adminToken: string;
}

test.skipIf(!canMount)(
  "disabling and revoking take effect, are told as not written, and are written once there is room",
  async () => {
    directory = mkdtempSync(join(tmpdir(), "sallyport-full-"));
    shell = spawn("unshare", ["-rm", "sh", "-c", SCRIPT, "sh", directory, process.execPath, CLI], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const lines = createInterface({ input: shell.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const { http, metrics, adminToken }: Ready = JSON.parse(await next());
    const call = async (method: string, path: string, body?: unknown, token: string = adminToken) => {
      const response = await fetch(`${http}/api/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? {} : Object(JSON.parse(text)) };
    };
    const unwritten = async (): Promise<number> =>
      Number(/^sallyport_unwritten_revocations (\d+)$/m.exec(await (await fetch(metrics)).text())?.[1]);

    const account = (await call("POST", "accounts", { name: "ann" })).body;
    const make = { title: "test", scopes: ["connect", "account"] };
    const theirs = (await call("POST", `accounts/${account.id}/tokens`, make)).body;
    const own = (await call("POST", "tokens", make)).body;
    expect((await call("GET", "me", undefined, theirs.token)).status).toBe(200);
    expect((await call("GET", "me", undefined, own.token)).status).toBe(200);

    shell.stdin?.write(`cat /dev/zero > "$1/filler" 2>/dev/null; echo full\n`);
    expect(await next()).toBe("full");
    expect(await unwritten()).toBe(0);
    expect(await call("PATCH", `accounts/${account.id}`, { disabled: true })).toMatchObject({
      status: 202,
      body: { disabled: true },
    });
    expect(await call("GET", "me", undefined, theirs.token)).toMatchObject({
      status: 403,
      body: { code: "account_disabled" },
    });
    expect(await call("DELETE", `tokens/${own.info.id}`)).toMatchObject({
      status: 202,
      body: { message: expect.stringContaining("in effect now") },
    });
    expect(await call("GET", "me", undefined, own.token)).toMatchObject({ body: { code: "token_revoked" } });
    expect(await unwritten()).toBe(2);

    shell.stdin?.write(`rm "$1/filler"; echo room\n`);
    expect(await next()).toBe("room");
    await expect.poll(unwritten, { timeout: 60_000 }).toBe(0);
    expect(await call("GET", "me", undefined, theirs.token)).toMatchObject({
      body: { code: "account_disabled" },
    });
    expect((await call("PATCH", `accounts/${account.id}`, { disabled: false })).status).toBe(200);
    expect((await call("GET", "me", undefined, theirs.token)).status).toBe(200);
  },
  120_000,
);
