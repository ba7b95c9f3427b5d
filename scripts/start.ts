// `npm start`: the demo's gateway and host, left running, a link to the dashboard, and how to connect. Ctrl-C ends both.
// `--dev` builds with source maps. `--data DIR` keeps accounts, keys and identities for the next time; otherwise they live in
// a temporary directory.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { freePort } from "../test/support/loopback.ts";
import { lastLines } from "../test/support/programs/program.ts";
import { shellWord } from "../test/support/programs/shell-word.ts";
import { personEnvironment, startStack } from "../test/support/stack.ts";
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
    const { listen, publicUrl } = await addressesOf(http);
    const stack = await startStack({
      directory,
      workspace: WORKSPACE,
      signal,
      gatewayArgs: ["--http", listen, ...(publicUrl === undefined ? [] : ["--public-url", publicUrl])],
      // By one name everywhere, so that what the dashboard says to type finds the sign-in.
      reach: async ({ url }) => ({ host: publicUrl ?? url, companion: publicUrl ?? url }),
    });
    const link = publicUrl === undefined ? undefined : await dashboardLink(directory);
    process.stdout.write(howToConnect(stack, { directory, temporary: data === undefined, publicUrl, link }));
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

/**
 * Browsers keep the dashboard's cookie on this machine, and passkeys want a name. So the gateway's public URL is that of
 * `localhost`, with a port that is known before the start. undefined: it listens somewhere else, and has no dashboard.
 */
async function addressesOf(http: string): Promise<{ listen: string; publicUrl: string | undefined }> {
  const [, host = "", given = ""] = /^(.*):(\d+)$/.exec(http) ?? [];
  if (!/^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(host))
    return { listen: http, publicUrl: undefined };
  const port = given === "0" ? await freePort() : Number(given);
  return { listen: `${host}:${port}`, publicUrl: `http://localhost:${port}` };
}

/** As somebody on the server gets one. */
async function dashboardLink(directory: string): Promise<string> {
  const args = ["gateway", "invite", "admin", "--sign-in", "--json", "--data", join(directory, "gateway")];
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], {
    env: personEnvironment(directory),
  });
  const made: unknown = JSON.parse(stdout);
  if (!Check(Type.Object({ link: Type.String() }), made)) throw new Error("the gateway gave no link");
  return made.link;
}

type Stack = Awaited<ReturnType<typeof startStack>>;

interface Shown {
  readonly directory: string;
  readonly temporary: boolean;
  readonly publicUrl: string | undefined;
  readonly link: string | undefined;
}

function howToConnect(
  { gateway, sshConfig, workspace, env }: Stack,
  { directory, temporary, publicUrl, link }: Shown,
): string {
  const config = `SALLYPORT_CONFIG=${shellWord(env.SALLYPORT_CONFIG ?? "")} SALLYPORT_KEYCHAIN=off`;
  const sallyport = `${config} ${shellWord(process.execPath)} ${shellWord(CLI)}`;
  const dashboard =
    link === undefined ? "" : `Open the dashboard, signed in (the link works once):\n  ${link}\n\n`;
  return `A gateway and a workspace are running on this machine.

${dashboard}  gateway      ${publicUrl ?? gateway.url}
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

For the commands that the dashboard shows, run this first in the shell where you paste them:
  sallyport() { ${sallyport} "$@"; }

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
