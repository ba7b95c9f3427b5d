// `sallyport gateway`: the server as a command.

import cluster from "node:cluster";
import { SCOPES } from "../../protocol/api.ts";
import {
  type CommandContext as AnyCommandContext,
  type Command,
  UsageError,
} from "../../protocol/command/command.ts";
import { commandGroup, executable, type Input } from "../../protocol/command/run.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { formatAddress } from "../address.ts";
import { watchFiles } from "../certificate/watch-files.ts";
import { optionsOfWorker } from "../cluster/worker-options.ts";
import { startGateway } from "../gateway.ts";
import { type HostKeysAction, hostKeyReport, hostKeyText } from "../host-keys/host-key-report.ts";
import {
  activateHostKeys,
  announceHostKeys,
  forgetFormerHostKeys,
  showHostKeys,
} from "../host-keys/host-key-rotation.ts";
import { createGatewayLog } from "../log.ts";
import { hasDatabase, openDatabase } from "../store/database/sqlite.ts";
import { Store } from "../store/store.ts";
import { isOpenToOthers, writeBackup } from "./backup.ts";
import { definition } from "./definition.ts";
import { checkHealth } from "./health.ts";
import { defaultDataDir, type GatewayOptions, gatewayOptions } from "./options.ts";
import { readyText } from "./ready-text.ts";
import { StartError } from "./start-error.ts";

/** The gateway asks nobody anything. */
type CommandContext = Omit<AnyCommandContext, "stdin">;

type DataInput = Input<(typeof definition)["subcommands"]["admin-token"]>;

async function serve({ options: values }: Input<typeof definition>, context: CommandContext): Promise<void> {
  const { json } = values;
  const options = gatewayOptions(values, context.env);
  const write = (line: string): void => {
    context.stderr.write(line);
  };
  const gateway = await (options.workers === 1 ? startGateway(options, write) : startSeveral(options, write));
  const reload = (): void => {
    gateway.reloadTls().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      context.stderr.write(`sallyport: tls: ${message} The old certificate stays in use.\n`);
    });
  };
  process.on("SIGHUP", reload);
  const { tls, acme } = options;
  // What the gateway orders itself is installed by who ordered it.
  const watched = tls === null || acme !== null ? undefined : watchFiles([tls.certFile, tls.keyFile], reload);
  try {
    const { httpUrl: http, ssh, adminToken } = gateway;
    const ready = {
      event: "ready",
      http,
      ssh: ssh === null ? null : formatAddress(ssh),
      ...(gateway.metricsUrl === null ? {} : { metrics: gateway.metricsUrl }),
      ...(adminToken === undefined ? {} : { adminToken }),
    };
    context.stdout.write(
      json ? `${JSON.stringify(ready)}\n` : readyText(ready, options, defaultDataDir(context.env)),
    );
    await aborted(context.signal);
  } finally {
    process.off("SIGHUP", reload);
    watched?.stop();
    await gateway.close();
  }
}

async function work(options: GatewayOptions, { stderr, signal }: CommandContext): Promise<void> {
  const { runWorker } = await import("../cluster/worker/worker.ts");
  await runWorker(options, (line) => stderr.write(line), signal);
}

async function startSeveral(options: GatewayOptions, write: (line: string) => void) {
  // Workers get connections as descriptors, and over Unix sockets.
  if (process.platform === "win32") throw new UsageError("--workers works on Linux and macOS only.");
  const { startWorkers } = await import("../cluster/primary/start-workers.ts");
  return startWorkers(options, write);
}

/** Works on the database itself: anyone who can read the data directory owns the gateway anyway. */
async function adminToken({ options }: DataInput, context: CommandContext): Promise<void> {
  const dataDir = options.data ?? defaultDataDir(context.env);
  await usingStore(dataDir, context, async (store) => {
    const account = await store.accounts.firstAdmin();
    if (account === undefined) throw new StartError("file", `There is no admin account in ${dataDir}.`);
    const wanted = { accountId: account.id, title: "admin-token", scopes: SCOPES, expiresInSeconds: null };
    const { token } = await store.tokens.create(wanted, { account: account.name });
    const made = { account: account.name, adminToken: token };
    context.stdout.write(options.json ? `${JSON.stringify(made)}\n` : `${token}\n`);
  });
}

async function inviteSomebody(
  input: Input<(typeof definition)["subcommands"]["invite"]>,
  context: CommandContext,
): Promise<void> {
  const { invite, inviteText } = await import("./invite.ts");
  const dataDir = input.options.data ?? defaultDataDir(context.env);
  await usingStore(dataDir, context, async (store) => {
    const made = await invite(store, dataDir, input);
    context.stdout.write(input.options.json ? `${JSON.stringify(made)}\n` : inviteText(made));
  });
}

async function usingStore(
  dataDir: string,
  { stderr }: CommandContext,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  if (!hasDatabase(dataDir)) {
    throw new StartError("file", `There is no gateway's database in ${dataDir}: start the gateway first.`);
  }
  const log = createGatewayLog("warn", (line) => stderr.write(line));
  const store = await Store.open(openDatabase(dataDir), { log, migrate: false });
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

async function backup(
  { options }: Input<(typeof definition)["subcommands"]["backup"]>,
  { env, stdout, stderr }: CommandContext,
): Promise<void> {
  if ("isTTY" in stdout && stdout.isTTY === true) {
    throw new UsageError("gateway backup writes an archive: send it to a file, with `> sallyport.tar`.");
  }
  if (isOpenToOthers(stdout)) {
    stderr.write(
      "sallyport: Other users can read this file, and it gets the host keys: chmod 600 it, and run `umask 077` before.\n",
    );
  }
  await writeBackup(options.data ?? defaultDataDir(env), stdout);
}

/** Works on the data directory: what it changes is in effect from the gateway's next start on. */
function hostKeys(action: HostKeysAction) {
  return async ({ options }: DataInput, context: CommandContext): Promise<void> => {
    const dataDir = options.data ?? defaultDataDir(context.env);
    if (!hasDatabase(dataDir)) {
      throw new StartError("file", `There is no gateway's database in ${dataDir}: start the gateway first.`);
    }
    const report = await {
      show: () => showHostKeys(dataDir),
      rotate: () => announceHostKeys(dataDir, new Date()),
      activate: () => activateHostKeys(dataDir),
      forget: () => forgetFormerHostKeys(dataDir),
    }[action]();
    context.stdout.write(
      options.json ? `${JSON.stringify(hostKeyReport(report))}\n` : hostKeyText(report, action),
    );
  };
}

async function rotate(
  input: Input<(typeof definition)["subcommands"]["host-keys"]["subcommands"]["rotate"]>,
  context: CommandContext,
): Promise<void> {
  const { activate, "forget-former": forget } = input.options;
  await hostKeys(activate ? "activate" : forget ? "forget" : "rotate")(input, context);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Turns the refusals of a start into one line and exit code 1. */
function started<I>(run: (input: I, context: CommandContext) => Promise<void>) {
  return async (input: I, context: CommandContext): Promise<number> => {
    try {
      await run(input, context);
      return 0;
    } catch (error) {
      // The store refuses: a full list of tokens or invitations, or a disabled account.
      if (!(error instanceof StartError || error instanceof ProtocolError)) throw error;
      const stage = error instanceof StartError ? error.stage : "file";
      context.stderr.write(`sallyport: ${stage}: ${error.message}\n`);
      return 1;
    }
  };
}

const {
  "admin-token": adminTokenDefinition,
  backup: backupDefinition,
  health: healthDefinition,
  "host-keys": hostKeysDefinition,
  invite: inviteDefinition,
} = definition.subcommands;

const family = commandGroup(
  definition,
  {
    "admin-token": executable(adminTokenDefinition, started(adminToken)),
    backup: executable(backupDefinition, started(backup)),
    health: executable(
      healthDefinition,
      started(({ options }) => checkHealth(options.http)),
    ),
    invite: executable(inviteDefinition, started(inviteSomebody)),
    "host-keys": commandGroup(
      hostKeysDefinition,
      { rotate: executable(hostKeysDefinition.subcommands.rotate, started(rotate)) },
      started(hostKeys("show")),
    ),
  },
  started(serve),
);

export const command: Command = {
  definition,
  run(args, context) {
    const options = cluster.isWorker ? optionsOfWorker(context.env) : undefined;
    return options === undefined ? family.run(args, context) : started(work)(options, context);
  },
};
