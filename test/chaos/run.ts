// `npm run test:chaos`. Arguments go to vitest. SALLYPORT_CHAOS_CUTS and SALLYPORT_CHAOS_MEGABYTES make it shorter.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "../../scripts/build.ts";
import { ROOT } from "../../scripts/repository.ts";

await buildAll();
const directory = mkdtempSync(join(tmpdir(), "sallyport-chaos-run-"));
try {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const config = join(ROOT, "test", "chaos", "vitest.config.ts");
  const command = [process.execPath, vitest, "run", "--config", config, ...process.argv.slice(2)];
  process.exitCode = mayMakeNetworks() ? run(ownNetwork(command), certified(directory)) : run(command, {});
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function run([file = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): number {
  return spawnSync(file, args, { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env } }).status ?? 1;
}

function mayMakeNetworks(): boolean {
  return spawnSync("unshare", ["--net", "ip", "link", "set", "lo", "up"]).status === 0;
}

function ownNetwork(command: readonly string[]): string[] {
  return ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...command];
}

/** Everything in there trusts the certificate of a gateway that is not on the loopback address. */
function certified(directory: string): NodeJS.ProcessEnv {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", key];
  const name = ["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:10.99.0.1"];
  const openssl = spawnSync("openssl", ["req", "-x509", ...made, ...name, "-days", "2", "-out", cert]);
  if (openssl.status !== 0) throw new Error(`openssl made no certificate: ${openssl.stderr}`);
  return { NODE_EXTRA_CA_CERTS: cert, SALLYPORT_CHAOS_CERT: cert, SALLYPORT_CHAOS_KEY: key };
}
