// A gateway on a full disk: a real file system of 4 MiB, in its own mount namespace.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { CLI } from "../../../scripts/repository.ts";
import { LONG } from "../../support/long.ts";

const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

let shell: ChildProcess | undefined;
let directory: string | undefined;
afterEach(async () => {
  const ended = new Promise((resolve) => shell?.once("exit", resolve));
  shell?.stdin?.end();
  if (shell !== undefined) await ended;
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

/** Runs until its stdin ends. It runs each line of stdin as a command in the gateway's namespace. */
const SCRIPT = `
mount -t tmpfs -o size=4m,mode=700 tmpfs "$1" || exit 1
directory=$1 node=$2 cli=$3
shift 3
"$node" "$cli" gateway --json --http 127.0.0.1:0 --metrics 127.0.0.1:0 --data "$directory" "$@" &
gateway=$!
while read -r command; do eval "$command"; done
kill $gateway && wait $gateway
`;

interface Ready {
  readonly http: string;
  readonly metrics: string;
  readonly adminToken: string;
}

interface Answer {
  readonly status: number;
  readonly body: ReturnType<typeof Object>;
}

interface FullGateway {
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  unwritten(): Promise<number>;
  /** How often the gateway's log contains this text. */
  logged(text: string): number;
  /** Runs a command in the gateway's namespace. It must not print anything. */
  sh(command: string): Promise<void>;
}

const FILL = 'cat /dev/zero > "$directory/filler" 2>/dev/null';
const MAKE_ROOM = 'rm "$directory/filler"';

async function start(...args: string[]): Promise<FullGateway> {
  directory = mkdtempSync(join(tmpdir(), "sallyport-full-"));
  const argv = ["-rm", "sh", "-c", SCRIPT, "sh", directory, process.execPath, CLI, ...args];
  const child = spawn("unshare", argv, { stdio: "pipe" });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  shell = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const { http, metrics, adminToken }: Ready = JSON.parse(await next());
  return {
    async call(method, path, body, token = adminToken) {
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
    },
    unwritten: async () =>
      Number(/^sallyport_unwritten_revocations (\d+)$/m.exec(await (await fetch(metrics)).text())?.[1]),
    logged: (text) => log.split(text).length - 1,
    async sh(command) {
      child.stdin.write(`${command}; echo done\n`);
      expect(await next()).toBe("done");
    },
  };
}

test.skipIf(!canMount)(
  "disabling and revoking take effect, are reported as not written, and are written once there is room",
  async () => {
    const { call, unwritten, sh } = await start();
    const account = (await call("POST", "accounts", { name: "ann" })).body;
    const make = { title: "test", scopes: ["connect", "account"] };
    const theirs = (await call("POST", `accounts/${account.id}/tokens`, make)).body;
    const own = (await call("POST", "tokens", make)).body;
    expect((await call("GET", "me", undefined, theirs.token)).status).toBe(200);
    expect((await call("GET", "me", undefined, own.token)).status).toBe(200);

    await sh(FILL);
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

    await sh(MAKE_ROOM);
    await expect.poll(unwritten, { timeout: 60_000 }).toBe(0);
    expect(await call("GET", "me", undefined, theirs.token)).toMatchObject({
      body: { code: "account_disabled" },
    });
    expect((await call("PATCH", `accounts/${account.id}`, { disabled: false })).status).toBe(200);
    expect((await call("GET", "me", undefined, theirs.token)).status).toBe(200);
  },
  120_000,
);

test.skipIf(!canMount)(
  "revocations outlive the workers that were asked for them, and are written once there is room",
  LONG,
  async () => {
    const { call, unwritten, logged, sh } = await start("--workers", "2");
    const make = { title: "test", scopes: ["connect", "account"] };
    const { token, info } = (await call("POST", "tokens", make)).body;
    await sh(FILL);
    expect((await call("DELETE", `tokens/${info.id}`)).status).toBe(202);
    const codes = async (): Promise<unknown[]> => {
      // Connections go to the workers in turn.
      const answers = await Promise.all([1, 2, 3, 4].map(() => call("GET", "me", undefined, token)));
      return [...new Set(answers.map(({ body }) => body.code))];
    };
    expect(await codes()).toEqual(["token_revoked"]);
    // One after the other, since they share the port.
    for (const ready of [3, 4]) {
      await sh("kill -9 $(pgrep -o -P $gateway)");
      await expect.poll(() => logged("A worker is ready."), { timeout: 60_000 }).toBe(ready);
    }
    expect(await codes()).toEqual(["token_revoked"]);
    await sh(MAKE_ROOM);
    await expect.poll(unwritten, { timeout: 60_000 }).toBe(0);
    expect(await codes()).toEqual(["token_revoked"]);
    // The primary writes it, and it is in the audit log a moment later.
    const audit = async () => JSON.stringify((await call("GET", "audit")).body);
    await expect.poll(audit, { timeout: 60_000 }).toContain("requested from a process that has ended since");
  },
);
