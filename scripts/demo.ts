// `npm run demo`: builds Sallyport, starts a gateway and a host on this machine, and does the main job with the
// machine's own ssh. `--json`: one JSON object on stdout and nothing else. `--keep`: leaves the directory. `--binary`: with the
// executable of `npm run release` for this machine, which is made first, in all three parts. `--program FILE`: with that one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startStack } from "../test/support/stack.ts";
import { buildAll, buildExecutable } from "./build.ts";
import { CHECKS } from "./demo/checks.ts";
import { Runner } from "./demo/runner.ts";
import { abortOnSignals } from "./interrupt.ts";

const TOTAL_TIMEOUT_MS = 30 * 60_000;
const WORKSPACE = "demo";

process.exitCode = await main();

async function main(): Promise<number> {
  const { json, keep, binary, program } = options();
  const interrupt = abortOnSignals();
  const signal = AbortSignal.any([interrupt, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
  const screen = {
    write: (text: string) => void (json || process.stdout.write(text)),
    colour: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  };
  const runner = new Runner(screen, signal);
  const directory = mkdtempSync(join(tmpdir(), "sallyport-demo-"));
  let stack: Awaited<ReturnType<typeof startStack>> | undefined;
  try {
    const executable = binary ? await buildExecutable(signal) : program;
    const built =
      executable !== undefined || (await runner.run("build", async () => buildAll(signal).then(() => true)));
    if (built === true) {
      stack = await runner.run("a gateway and a workspace start", (limit) =>
        startStack({
          directory,
          workspace: WORKSPACE,
          signal: limit,
          ...(executable === undefined ? {} : { program: [resolve(executable)] }),
        }),
      );
    }
    if (stack !== undefined) {
      await runner.runAll(CHECKS, { directory, sshConfig: stack.sshConfig, workspace: WORKSPACE });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write(interrupt.aborted ? "interrupted: cleaning up\n" : "out of time: cleaning up\n");
    return interrupt.aborted ? 130 : 1;
  } finally {
    await stack?.stop();
    if (keep) process.stderr.write(`kept: ${directory}\n`);
    else rmSync(directory, { recursive: true, force: true });
  }
  const report = runner.report();
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`\n${report.passed} passed, ${report.failed} failed\n`);
  return report.failed === 0 ? 0 : 1;
}

function options() {
  try {
    const flag = { type: "boolean", default: false } as const;
    return parseArgs({ options: { json: flag, keep: flag, binary: flag, program: { type: "string" } } })
      .values;
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : error}\nusage: npm run demo [-- --json --keep --binary --program FILE]\n`,
    );
    process.exit(2);
  }
}
