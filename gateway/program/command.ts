// `sallyport gateway`: the server as a command.

import cluster from "node:cluster";
import { SCOPES } from "../../protocol/api.ts";
import type { CommandContext as AnyCommandContext } from "../../protocol/command/command.ts";
import { UsageError } from "../../protocol/command/command.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { formatAddress } from "../address.ts";
import { startGateway } from "../gateway.ts";
import { hostKeyReport, hostKeyText } from "../host-keys/host-key-report.ts";
import {
  activateHostKeys,
  announceHostKeys,
  forgetFormerHostKeys,
  showHostKeys,
} from "../host-keys/host-key-rotation.ts";
import { createGatewayLog } from "../log.ts";
import { hasDatabase, openDatabase } from "../store/database/sqlite.ts";
import { Store } from "../store/store.ts";
import {
  type GatewayOptions,
  parseAdminTokenOptions,
  parseGatewayOptions,
  parseHostKeysOptions,
} from "./options.ts";
import { StartError } from "./start-error.ts";

/** The gateway asks nobody anything. */
type CommandContext = Omit<AnyCommandContext, "stdin">;

/** SIGHUP reads the certificate again here, so the CLI must not take it for a stop. */
export const handlesSighup = true;

export const help = `Usage: sallyport gateway [options]
       sallyport gateway admin-token [--data DIR] [--json]
       sallyport gateway host-keys [rotate [--activate | --forget-former]] [--data DIR] [--json]

Runs the server where hosts and companions meet.

Options (in the environment: SALLYPORT_HTTP, SALLYPORT_TLS_CERT, …; a flag wins):
  --http HOST:PORT       API, hosts and tunnels; port 0 takes a free one (default 127.0.0.1:8022)
  --ssh HOST:PORT        SSH: ssh WORKSPACE@GATEWAY, ssh -J GATEWAY WORKSPACE (default: off)
  --public-ssh HOST:PORT where the public reaches it (default: the public URL's host, the port listened on)
  --trusted-proxies LIST load balancers in front of it, whose connections begin with a PROXY header (v1 or v2)
  --user-ca FILE         certificate authorities, one public key a line; principals are account names
  --ssh-idle-timeout S   end SSH connections on which nothing moved for this long (default: never)
  --ssh-max-session S    end SSH connections this long after sign-in (default: never)
  --data DIR             database and host keys (default ~/.local/share/sallyport/gateway)
  --public-url URL       the address that clients use, such as https://gateway.example
  --tls-cert FILE        certificate chain (PEM); SIGHUP reads it again
  --tls-key FILE         its private key (PEM)
  --trust-proxy LIST     reverse proxies whose X-Forwarded-For counts: addresses, CIDR ranges, loopback
  --open                 hosts may register without an account
  --host-keys-allowed F  upterm hosts may register, with the keys of this file only
  --metrics HOST:PORT    Prometheus metrics at /metrics (default: off)
  --max-streams N        streams open at a time (default 10000)
  --workers N            processes that share the work, or auto: one a core (default 1; Linux and macOS)
  --log-level LEVEL      debug, info, warn, error or silent (default info); the log is on stderr
  --json                 one JSON object a line on stdout, the first with "event":"ready"

The first start makes an account named admin and prints its access token once.
gateway admin-token makes a new one when the first was lost.

gateway host-keys shows the SSH host keys. They are replaced in two steps, each in effect from the next start on: rotate
makes new ones, which clients learn (UpdateHostKeys, /.well-known/sallyport) while the old ones are still served;
rotate --activate, some weeks later, serves the new ones. rotate --forget-former then removes the old ones for good.

Example:
  sallyport gateway --http 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem \\
    --public-url https://gateway.example --data /var/lib/sallyport
`;

/** Returns the exit code: 0 stopped when asked to, 1 did not start. @throws UsageError (exit 2) */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    context.stdout.write(help);
    return 0;
  }
  try {
    if (args[0] === "admin-token") await adminToken(args.slice(1), context);
    else if (args[0] === "host-keys") await hostKeys(args.slice(1), context);
    else await serve(args, context);
    return 0;
  } catch (error) {
    // Of the store's own refusals only a full list of tokens can get here, from admin-token.
    if (!(error instanceof StartError || error instanceof ProtocolError)) throw error;
    const stage = error instanceof StartError ? error.stage : "file";
    context.stderr.write(`sallyport: ${stage}: ${error.message}\n`);
    return 1;
  }
}

async function serve(args: readonly string[], context: CommandContext): Promise<void> {
  const { options, json } = parseGatewayOptions(args, context.env);
  const write = (line: string): void => {
    context.stderr.write(line);
  };
  if (options.workers > 1 && cluster.isWorker) {
    const { runWorker } = await import("../cluster/worker/worker.ts");
    return runWorker(options, write, context.signal);
  }
  const gateway = await (options.workers === 1 ? startGateway(options, write) : startSeveral(options, write));
  const reload = (): void => {
    gateway.reloadTls().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      context.stderr.write(`sallyport: tls: ${message} The former certificate stays in use.\n`);
    });
  };
  process.on("SIGHUP", reload);
  try {
    const { httpUrl: http, ssh, adminToken } = gateway;
    const ready = {
      event: "ready",
      http,
      ssh: ssh === null ? null : formatAddress(ssh),
      ...(gateway.metricsUrl === null ? {} : { metrics: gateway.metricsUrl }),
      ...(adminToken === undefined ? {} : { adminToken }),
    };
    context.stdout.write(json ? `${JSON.stringify(ready)}\n` : readyText(ready));
    await aborted(context.signal);
  } finally {
    process.off("SIGHUP", reload);
    await gateway.close();
  }
}

async function startSeveral(options: GatewayOptions, write: (line: string) => void) {
  // Connections are handed over as descriptors, and carried over Unix sockets.
  if (process.platform === "win32") throw new UsageError("--workers works on Linux and macOS only.");
  const { startWorkers } = await import("../cluster/primary/start-workers.ts");
  return startWorkers(options, write);
}

/** Works on the database itself: whoever can read the data directory owns the gateway anyway. */
async function adminToken(args: readonly string[], context: CommandContext): Promise<void> {
  const { dataDir, json } = parseAdminTokenOptions(args, context.env);
  if (!hasDatabase(dataDir)) {
    throw new StartError("file", `There is no gateway's database in ${dataDir}: start the gateway first.`);
  }
  const log = createGatewayLog("warn", (line) => context.stderr.write(line));
  const store = await Store.open(openDatabase(dataDir), { log, migrate: false });
  try {
    const account = await store.accounts.firstAdmin();
    if (account === undefined) throw new StartError("file", `There is no admin account in ${dataDir}.`);
    const wanted = { accountId: account.id, title: "admin-token", scopes: SCOPES, expiresInSeconds: null };
    const { token } = await store.tokens.create(wanted, { account: account.name });
    context.stdout.write(
      json ? `${JSON.stringify({ account: account.name, adminToken: token })}\n` : `${token}\n`,
    );
  } finally {
    await store.close();
  }
}

/** Works on the data directory: what it changes is in effect from the gateway's next start on. */
async function hostKeys(args: readonly string[], context: CommandContext): Promise<void> {
  const { dataDir, json, action } = parseHostKeysOptions(args, context.env);
  if (!hasDatabase(dataDir)) {
    throw new StartError("file", `There is no gateway's database in ${dataDir}: start the gateway first.`);
  }
  const report = await {
    show: () => showHostKeys(dataDir),
    rotate: () => announceHostKeys(dataDir, new Date()),
    activate: () => activateHostKeys(dataDir),
    forget: () => forgetFormerHostKeys(dataDir),
  }[action]();
  context.stdout.write(json ? `${JSON.stringify(hostKeyReport(report))}\n` : hostKeyText(report, action));
}

function readyText(ready: { http: string; ssh: string | null; adminToken?: string }): string {
  const lines = [`The gateway is ready at ${ready.http}`];
  if (ready.ssh !== null) lines.push(`SSH is served at ${ready.ssh}`);
  if (ready.adminToken !== undefined) {
    lines.push(`Access token of the account admin, shown this once: ${ready.adminToken}`);
  }
  return `${lines.join("\n")}\n`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
