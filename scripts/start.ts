// `npm start`: the demo's gateway and host, left running, and how to connect. Ctrl-C ends both.
// `--dev` builds with source maps. `--data DIR` keeps accounts, keys and identities for the next time; otherwise they live in
// a temporary directory.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { lastLines } from "../test/support/programs/program.ts";
import { shellWord } from "../test/support/programs/shell-word.ts";
import { startStack } from "../test/support/stack.ts";
import { buildAll } from "./build.ts";
import { abortOnSignals } from "./interrupt.ts";
import { CLI } from "./repository.ts";

const WORKSPACE = "demo";

process.exitCode = await main();

async function main(): Promise<number> {
  const { data, http, dev } = options();
  const signal = abortOnSignals();
  const directory = data === undefined ? mkdtempSync(join(tmpdir(), "sallyport-")) : resolve(data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    await buildAll(signal, dev ? ["--dev"] : []);
    const stack = await startStack({
      directory,
      workspace: WORKSPACE,
      signal,
      gatewayArgs: ["--http", http],
    });
    process.stdout.write(howToConnect(stack, directory, data === undefined));
    const interrupted = new Promise<"interrupted">((done) => {
      if (signal.aborted) done("interrupted");
      signal.addEventListener("abort", () => done("interrupted"));
    });
    const { host, gateway } = stack;
    const first = await Promise.race([
      interrupted,
      host.exited.then(() => ({ name: "host", program: host })),
      gateway.program.exited.then(() => ({ name: "gateway", program: gateway.program })),
    ]);
    await stack.stop();
    if (first === "interrupted") return 0;
    process.stderr.write(`the ${first.name} ended by itself\n${lastLines(first.program.logFile)}\n`);
    return 1;
  } catch (error) {
    if (signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    if (data === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

type Stack = Awaited<ReturnType<typeof startStack>>;

function howToConnect(
  { gateway, sshConfig, workspace, env }: Stack,
  directory: string,
  temporary: boolean,
): string {
  const config = `SALLYPORT_CONFIG=${shellWord(env.SALLYPORT_CONFIG ?? "")} SALLYPORT_KEYCHAIN=off`;
  const sallyport = `${config} ${shellWord(process.execPath)} ${shellWord(CLI)}`;
  return `A gateway and a workspace are running on this machine.

  gateway      ${gateway.url}
  workspace    ${workspace.name} (${workspace.id})
  admin token  in the file ${gateway.tokenFile}
  logs         ${join(directory, "gateway.log")}
               ${join(directory, "host.log")}

Connect with your own ssh:
  ssh -F ${shellWord(sshConfig)} ${workspace.name}
  scp -F ${shellWord(sshConfig)} FILE ${workspace.name}:

Or with sallyport, already signed in:
  ${sallyport} list
  ${sallyport} ssh ${workspace.name}

Ctrl-C ends both${temporary ? " and removes everything" : ""}.
`;
}

function options(): { data: string | undefined; http: string; dev: boolean } {
  try {
    const { values } = parseArgs({
      options: { data: { type: "string" }, http: { type: "string" }, dev: { type: "boolean" } },
    });
    return { data: values.data, http: values.http ?? "127.0.0.1:0", dev: values.dev ?? false };
  } catch (error) {
    const usage = "usage: npm start [-- --dev --data DIR --http HOST:PORT]";
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}\n`);
    process.exit(2);
  }
}
