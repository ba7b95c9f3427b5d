// `npm run test:e2e`: the packaged extension in a real VS Code (code-server) in a real browser, against a real gateway
// and real hosts. Everything runs in its own namespaces: an empty home where ssh looks for `~`, and a network with
// a firewall. Arguments go to vitest: `npm run test:e2e -- connect`.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeVsix } from "../../packaging/vsix/vsix.ts";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/repository.ts";
import { makeCertificate } from "./setup/certificate.ts";
import { asides, enclosed } from "./setup/enclosure.ts";
import { cacheRoot, installCodeServer } from "./setup/install-code-server.ts";
import { withoutPlaces } from "./setup/own-home.ts";
import { findBrowser, missing } from "./setup/prerequisites.ts";
import { makeUpdateRelease } from "./setup/update-release.ts";

const say = (line: string) => void process.stderr.write(`${line}\n`);
process.exitCode = await main();

async function main(): Promise<number> {
  const lacking = missing();
  if (lacking.length > 0) {
    say(`test:e2e skipped: ${lacking.join("; ")}`);
    // Where these tests are required, skipping them is a failure.
    return process.env.SALLYPORT_E2E_REQUIRED === "1" ? 1 : 0;
  }
  const codeServer = await installCodeServer(say);
  const directory = mkdtempSync(join(tmpdir(), "sallyport-e2e-"));
  try {
    await buildAll();
    const vsix = join(directory, "sallyport.vsix");
    await writeVsix(vsix);
    const update = await makeUpdateRelease(directory);
    const aside = asides([ROOT, cacheRoot()], directory);
    const certificate = makeCertificate(directory);
    const env = {
      ...withoutPlaces(process.env),
      NODE_EXTRA_CA_CERTS: certificate.certFile,
      SALLYPORT_E2E: JSON.stringify({
        directory,
        vsix,
        update,
        codeServer,
        certificate,
        aside,
        browser: findBrowser(),
      }),
    };
    const vitest = [
      join(ROOT, "node_modules", "vitest", "vitest.mjs"),
      ...["run", "--config", join(ROOT, "test", "e2e", "vitest.config.ts")],
      ...process.argv.slice(2),
    ];
    return await run(enclosed([process.execPath, ...vitest], directory, aside, certificate.certFile), env);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run([file, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(file, args, { cwd: ROOT, env, stdio: "inherit" });
  // Ctrl-C reaches both processes. We wait for the child's end, so that its directory is removed after it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
