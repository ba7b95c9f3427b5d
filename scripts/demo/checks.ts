// The main job, as checks: what developers do with ssh in a workspace. Each prints the commands that it runs.

import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { freePort, listening, startWebServer } from "../../test/support/loopback.ts";
import {
  CheckFailed,
  expectResult,
  type Result,
  runShell,
  startShell,
  tail,
} from "../../test/support/programs/shell-command.ts";
import { shellWord } from "../../test/support/programs/shell-word.ts";
import { getThroughSocks } from "./socks-client.ts";
import { runInTerminal } from "./terminal.ts";

const TRANSFER_MIB = 64;

/** What a check has at hand. */
export interface Bench {
  readonly directory: string;
  readonly sshConfig: string;
  readonly workspace: string;
  /** Shows a command line to the person, before it runs. */
  show(line: string): void;
  /** Aborted at the check's time limit and by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Check {
  readonly name: string;
  /** @throws CheckFailed, or whatever went wrong */
  run(bench: Bench): Promise<void>;
}

export const CHECKS: readonly Check[] = [
  {
    name: "a command and its exit status",
    run: async (bench) => {
      const command = shellWord("echo out; echo err >&2; exit 7");
      const result = await ran(bench, `${ssh(bench)} ${command}`);
      expectResult(result, 7, "out\n");
      if (!result.stderr.endsWith("err\n")) throw new CheckFailed(`stderr was ${tail(result.stderr)}`);
    },
  },
  {
    name: "stdin through and back",
    run: async (bench) => {
      const result = await ran(bench, `printf 'b\\na\\n' | ${ssh(bench)} sort`);
      expectResult(result, 0, "a\nb\n");
    },
  },
  { name: "a terminal, and its size as the window changes", run: terminal },
  {
    name: `scp of ${TRANSFER_MIB} MiB up`,
    run: async (bench) => {
      const { file, remote } = await transferFiles(bench);
      const to = join(remote, "scp-up");
      expectResult(await ran(bench, `scp -q -F ${bench.sshConfig} ${file} ${bench.workspace}:${to}`), 0);
      await expectSame(file, to);
    },
  },
  {
    name: `scp of ${TRANSFER_MIB} MiB down`,
    run: async (bench) => {
      const { file, local } = await transferFiles(bench);
      const to = join(local, "scp-down");
      expectResult(await ran(bench, `scp -q -F ${bench.sshConfig} ${bench.workspace}:${file} ${to}`), 0);
      await expectSame(file, to);
    },
  },
  {
    name: `sftp of ${TRANSFER_MIB} MiB up`,
    run: async (bench) => {
      const { file, remote } = await transferFiles(bench);
      const to = join(remote, "sftp-up");
      expectResult(await ran(bench, sftp(bench, `put ${file} ${to}`)), 0);
      await expectSame(file, to);
    },
  },
  {
    name: `sftp of ${TRANSFER_MIB} MiB down`,
    run: async (bench) => {
      const { file, local } = await transferFiles(bench);
      const to = join(local, "sftp-down");
      expectResult(await ran(bench, sftp(bench, `get ${file} ${to}`)), 0);
      await expectSame(file, to);
    },
  },
  { name: "ssh -D: a web page through the SOCKS port", run: dynamicForward },
  { name: "ssh -L: a web page through a local port", run: localForward },
  { name: "ssh -R: a web page through a port of the workspace", run: remoteForward },
  {
    name: "the gateway's SSH port, end to end: ssh -J",
    run: async (bench) => {
      const jump = `ssh -F ${bench.sshConfig} -J gateway ${bench.workspace}-jump`;
      expectResult(await ran(bench, `${jump} 'echo jumped; exit 3'`), 3, "jumped\n");
    },
  },
  {
    name: "the gateway's SSH port, plain: ssh workspace@gateway",
    run: async (bench) => {
      const plain = `ssh -F ${bench.sshConfig} ${bench.workspace}@gateway`;
      expectResult(await ran(bench, `printf 'b\\na\\n' | ${plain} sort`), 0, "a\nb\n");
    },
  },
];

async function terminal(bench: Bench): Promise<void> {
  const script =
    "tty && stty size && until [ \"$(stty size)\" = '50 132' ]; do sleep 0.05; done && echo grown";
  const line = `ssh -F ${bench.sshConfig} -t ${bench.workspace} ${shellWord(script)}`;
  bench.show(line);
  await runInTerminal(line, { columns: 101, rows: 33 }, bench.signal, async (session) => {
    await session.shows(/\/dev\/\S+\s+33 101\s/);
    session.resize({ columns: 132, rows: 50 });
    await session.shows(/grown/);
  });
}

async function dynamicForward(bench: Bench): Promise<void> {
  const port = await freePort();
  await withWebServer(async (webPort, body) => {
    await whileRunning(bench, `-N -D 127.0.0.1:${port}`, async () => {
      await listening(port, bench.signal);
      const url = new URL(`http://localhost:${webPort}/through-socks`);
      expectPage(await getThroughSocks(port, url, bench.signal), "/through-socks", body);
    });
  });
}

async function localForward(bench: Bench): Promise<void> {
  const port = await freePort();
  await withWebServer(async (webPort, body) => {
    await whileRunning(bench, `-N -L 127.0.0.1:${port}:127.0.0.1:${webPort}`, async () => {
      await listening(port, bench.signal);
      expectPage(await getPage(port, "/through-local", bench.signal), "/through-local", body);
    });
  });
}

/** The workspace chooses the port; ssh says which one. */
async function remoteForward(bench: Bench): Promise<void> {
  await withWebServer(async (webPort, body) => {
    await whileRunning(bench, `-N -R 127.0.0.1:0:127.0.0.1:${webPort}`, async (said) => {
      const port = Number(await said(/Allocated port (\d+) for remote forward/));
      expectPage(await getPage(port, "/through-remote", bench.signal), "/through-remote", body);
    });
  });
}

function ssh(bench: Bench): string {
  return `ssh -F ${bench.sshConfig} ${bench.workspace}`;
}

function sftp(bench: Bench, command: string): string {
  return `echo ${shellWord(command)} | sftp -q -F ${bench.sshConfig} -b - ${bench.workspace}`;
}

async function ran(bench: Bench, line: string): Promise<Result> {
  bench.show(line);
  return runShell(line, bench.signal);
}

/** Runs `ssh <flags> workspace` beside `use`, and ends it after. `said` waits for a line on its stderr. */
async function whileRunning(
  bench: Bench,
  flags: string,
  use: (said: (pattern: RegExp) => Promise<string>) => Promise<void>,
): Promise<void> {
  const line = `ssh -F ${bench.sshConfig} -o ExitOnForwardFailure=yes ${flags} ${bench.workspace}`;
  bench.show(line);
  const ended = new AbortController();
  const running = startShell(line, bench.signal);
  const exit = running.done.then(({ code, stderr }) => {
    ended.abort();
    throw new CheckFailed(`ssh ended with ${code}\n${tail(stderr)}`.trimEnd());
  });
  const said = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(running.stderr());
      if (found?.[1] !== undefined) return found[1];
      bench.signal.throwIfAborted();
      ended.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  try {
    await Promise.race([use(said), exit]);
  } finally {
    exit.catch(() => {}); // It ends now because we ask it to.
    await running.stop();
  }
}

async function withWebServer(use: (port: number, body: string) => Promise<void>): Promise<void> {
  const body = randomBytes(16).toString("hex");
  const server = await startWebServer(body);
  try {
    await use(server.port, body);
  } finally {
    await server.stop();
  }
}

async function getPage(port: number, path: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
  return response.text();
}

function expectPage(page: string, path: string, body: string): void {
  if (page !== `GET ${path}: ${body}`)
    throw new CheckFailed(`the page was ${JSON.stringify(page.slice(0, 200))}`);
}

/** One file of random bytes, and a directory for what arrives on either side: all of it is this machine. */
async function transferFiles({ directory }: Bench): Promise<{ file: string; remote: string; local: string }> {
  const file = join(directory, "original");
  if (!existsSync(file)) writeFileSync(file, randomBytes(TRANSFER_MIB * 1024 * 1024));
  const remote = join(directory, "workspace");
  const local = join(directory, "received");
  mkdirSync(remote, { recursive: true });
  mkdirSync(local, { recursive: true });
  return { file, remote, local };
}

async function expectSame(original: string, copy: string): Promise<void> {
  const [wanted, got] = [await sha256(original), await sha256(copy)];
  if (wanted !== got) throw new CheckFailed(`SHA-256 of the copy is ${got}, expected ${wanted}`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
