import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { listCommand, runsCommand } from "../../../../../agent/client/sharing/process-command.ts";
import {
  endSharing,
  parseNote,
  runningHost,
  startSharing,
} from "../../../../../agent/client/sharing/shared-host.ts";
import { formatConnectUrl } from "../../../../../protocol/connect-url.ts";
import { parseGatewayUrl } from "../../../../../protocol/values/gateway-url.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";
import { parseName, parseWorkspaceRef } from "../../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
let directory: string;
let noteFile: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-share-"));
  noteFile = join(directory, "shared", "host.json");
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

/** A program instead of `sallyport`. */
function program(source: string): string {
  const path = join(directory, "cli.mjs");
  writeFileSync(path, source);
  return path;
}

const start = (cliPath: string, env: NodeJS.ProcessEnv = process.env) =>
  startSharing({
    gateway: parseGatewayUrl("https://gw.example"),
    name: parseName("desk"),
    allowPlainHttp: false,
    execPath: process.execPath,
    cliPath,
    env,
    logFile: join(directory, "shared", "host.log"),
    noteFile,
  });

const READY = `console.log(JSON.stringify({ event: "ready" })); setInterval(() => {}, 1000);`;

test("a host that is ready is shared until it is stopped, and every window can see and stop it", async () => {
  const host = await start(program(READY));
  onTestFinished(() => end(host.pid));
  expect(await runningHost(noteFile)).toEqual(host);
  expect(await endSharing(noteFile)).toBe(true);
  expect(await runsCommand(host.pid, host.cliPath)).toBe(false);
  expect(existsSync(noteFile)).toBe(false);
  expect(await endSharing(noteFile)).toBe(false);
});

test("every window gets the connect URL that the host prints, with its host key", async () => {
  const pinned = formatConnectUrl({
    gateway: parseGatewayUrl("https://gw.example"),
    workspace: parseWorkspaceRef(newWorkspaceId()),
    hostKey: parsePublicKey(KEY),
  });
  const event = JSON.stringify({ event: "ready", links: { connect: null, pinned } });
  const host = await start(program(`console.log(${JSON.stringify(event)}); setInterval(() => {}, 1000);`));
  onTestFinished(() => end(host.pid));
  expect(host.link?.hostKey?.blob).toBe(KEY.split(" ")[1]);
  expect(await runningHost(noteFile)).toEqual(host);
});

test("it is told what to do by arguments without a secret in them", async () => {
  const cli = program(`console.log(process.argv.slice(2).join(" ")); ${READY}`);
  const host = await start(cli);
  onTestFinished(() => end(host.pid));
  const log = readFileSync(join(directory, "shared", "host.log"), "utf8");
  expect(log.split("\n")[0]).toBe("host --json --gateway https://gw.example --name desk");
});

test("it does not run what is preloaded into a person's own Node programs", async () => {
  const env = { ...process.env, NODE_OPTIONS: "--require ./not-here.js" };
  const host = await start(program(`console.log(String(process.env.NODE_OPTIONS)); ${READY}`), env);
  onTestFinished(() => end(host.pid));
  expect(readFileSync(join(directory, "shared", "host.log"), "utf8").split("\n")[0]).toBe("undefined");
});

test("a host that does not come up says why in its own words", async () => {
  const cli = program(
    `console.error("2026-01-01T00:00:00.000Z sallyport: sign-in: the token is gone"); process.exit(1);`,
  );
  await expect(start(cli)).rejects.toThrow("sign-in: the token is gone");
  expect(existsSync(noteFile)).toBe(false);
});

test("another process under the same number is neither shown nor ended", async () => {
  const cliPath = program(READY);
  const host = await start(cliPath);
  end(host.pid);
  const other: ChildProcess = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  onTestFinished(() => void other.kill());
  writeFileSync(noteFile, JSON.stringify({ ...host, pid: other.pid }), { mode: 0o600 });
  expect(await endSharing(noteFile)).toBe(false);
  expect(other.exitCode).toBeNull();
  expect(other.signalCode).toBeNull();
});

test.each([undefined, "", "{", "{}", '{"pid":1,"gateway":"https://gw.example","name":"x","cliPath":"y"}'])(
  "a note that says %j tells of no host",
  (text) => {
    expect(parseNote(text)).toBeUndefined();
  },
);

test("on Windows the command line is asked from PowerShell", () => {
  const [shell, args] = listCommand(7, "win32");
  expect(shell).toBe("powershell.exe");
  expect(args.at(-1)).toContain("ProcessId=7");
});

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
