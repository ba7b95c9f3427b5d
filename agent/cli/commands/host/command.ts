// `sallyport host`: makes this machine reachable as a workspace. Ties together the identity, the keys that may come in,
// the SSH server and the link to the gateway.

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { commandGroup, executable, type Input } from "../../../../protocol/command/run.ts";
import { PROCESS_BYTES } from "../../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../../protocol/resume/responder.ts";
import { type Folder, parseFolder } from "../../../../protocol/values/folder.ts";
import { redactTokens } from "../../../../protocol/values/token.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { type Announced, announcement, readyEvent } from "../../../host/announcement.ts";
import { replaceFirstProcess } from "../../../host/first-process.ts";
import { loadIdentity } from "../../../host/identity.ts";
import { GatewayClock } from "../../../host/link/gateway-clock.ts";
import { holdLink } from "../../../host/link/link.ts";
import { registeredId } from "../../../host/link/registration.ts";
import { keepRunningNote } from "../../../host/running-note.ts";
import { AllowedKeys } from "../../../host/ssh/sign-in/allowed-keys.ts";
import { createHostSshServer } from "../../../host/ssh/ssh-server.ts";
import { hostStateDirectory } from "../../../host/state-directory.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { createLog, type Log } from "../../../platform/log.ts";
import { nativeParts } from "../../../platform/native-parts.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { thisMachine } from "../../../platform/paths.ts";
import { definition } from "./definition.ts";
import { type HostOptions, hostOptions } from "./options.ts";

async function run(input: Input<typeof definition>, context: CommandContext): Promise<number> {
  const options = hostOptions(input.options, context.env);
  // The process list shows this title instead of the arguments, which hold the token.
  if (options.token.kind === "value") process.title = "sallyport host";
  const log = createLog({
    level: options.verbose ? "debug" : "info",
    write: (line) => context.stderr.write(line),
    timestamps: true,
  });
  const { token: given } = options;
  replaceFirstProcess(given.kind === "value" ? given.token : undefined, options.gateway, log);
  log.debug(`Node ${process.version}, ${process.platform}-${process.arch}; ${nativeParts()}`);
  const network = networkFrom(context.env);
  const token = await tokenReader(options, context, log);
  // Read now, so that a wrong file is reported at once. Without a token there is no account whose keys could come in.
  const takesAccountKeys = options.accountKeys && (await token()) !== undefined;
  const machine = thisMachine(context.env, homedir);
  const state =
    options.state === undefined
      ? hostStateDirectory(machine)
      : { path: resolve(options.state), warning: undefined };
  const identity = await loadIdentity(state.path);
  for (const warning of [state.warning ?? [], identity.warnings].flat()) log.warn(warning);

  const allowed = await AllowedKeys.open({ files: options.authorizedKeys.map((file) => resolve(file)), log });
  let gatewayKeys: readonly string[] = [];
  const clock = new GatewayClock(log);
  const server = createHostSshServer({
    hostKeys: [identity, ...identity.furtherKeys].map(({ privateKey }) => privateKey),
    allowed,
    anyone: options.anyone,
    gatewayKeys: () => gatewayKeys,
    gatewayTime: () => clock.now(),
    ownerTokens: options.ownerTokens,
    endToEndOnly: options.endToEndOnly,
    shell: options.shell,
    cwd: options.cwd,
    log,
  });
  if (options.anyone) log.warn("--anyone: everyone who can reach this workspace comes in without a key");

  const responder = new Responder({
    budget: new ByteBudget(PROCESS_BYTES),
    onEvent: (event) => log.debug(event),
  });
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(new CommandError("tunnel", "STOPPED", "the host was stopped"));
  if (context.signal.aborted) onAbort();
  context.signal.addEventListener("abort", onAbort, { once: true });
  let announced: string | undefined;
  const announce = (what: Announced): void => {
    context.stdout.write(options.json ? `${JSON.stringify(readyEvent(what))}\n` : announcement(what));
  };
  const note = keepRunningNote(state.path, {
    version: VERSION,
    startedAt: Date.now(),
    gateway: options.gateway,
    name: options.name,
  });
  try {
    await holdLink(
      {
        gateway: options.gateway,
        token,
        identity,
        name: options.name,
        endToEndOnly: options.endToEndOnly,
        ownerTokens: options.ownerTokens,
        browserUrl: options.browserUrl,
        folder: options.folder ?? startFolder(options),
        agent: `sallyport/${VERSION}`,
        log,
        network,
        clock,
        onRegistered(message) {
          note.online();
          identity.remember(options.gateway, options.name, registeredId(message)).catch((error: unknown) => {
            log.warn(
              `the workspace's id could not be kept: ${error instanceof Error ? error.message : String(error)}`,
            );
          });
          const { id } = message.workspace;
          if (announced !== undefined) log.info("the link is up again");
          // A gateway that has lost its data makes a new workspace, and the addresses that people have are dead.
          if (announced !== undefined && announced !== id) {
            log.warn(
              "the gateway has forgotten this workspace and made a new one: what was printed before leads nowhere",
            );
          }
          if (announced !== id) announce({ ...options, message, hostKey: identity.publicKey });
          announced = id;
        },
        onDown: (why) => note.offline(why),
        onGatewayKeys(keys) {
          gatewayKeys = keys;
        },
        onKeys(keys) {
          if (takesAccountKeys) allowed.setPushed(keys);
        },
        onStream(stream, request) {
          server.accept(stream, {
            address: request.client.address,
            account: request.client.account,
            via: request.via,
          });
        },
        responder,
      },
      stop.signal,
    );
    return 0;
  } finally {
    context.signal.removeEventListener("abort", onAbort);
    note.end();
    allowed.close();
    responder.dropDetached();
    await server.close();
    responder.close();
  }
}

/** An editor opens the folder in which sessions start. @throws ProtocolError bad_request */
function startFolder({ cwd }: HostOptions): Folder | undefined {
  return cwd === undefined ? undefined : parseFolder(resolve(cwd));
}

/** Returns a function that reads the token from its file or keychain each time, so that a renewed one is picked up. */
async function tokenReader(
  options: HostOptions,
  context: CommandContext,
  log: Log,
): Promise<() => Promise<string | undefined>> {
  const source = options.token;
  switch (source.kind) {
    case "value":
      log.warn(
        "--token shows the token in the process list and shell history: SALLYPORT_TOKEN or --token-file hide it",
      );
      return () => Promise.resolve(source.token.trim());
    case "file":
      return () => readTokenFile(source.path);
    case "open":
      return () => Promise.resolve(undefined);
    case "stored": {
      const { readAccessToken } = await import("../../../platform/credentials/store.ts");
      // The options allow plain http, or this line would not be reached.
      const env = { ...context.env, SALLYPORT_ALLOW_PLAIN_HTTP: "1" };
      const stored = async (): Promise<string | undefined> =>
        (await readAccessToken(options.gateway, { env }))?.token;
      if ((await stored()) !== undefined) return stored;
      if (options.authorizedKeys.length > 0 || options.anyone) {
        log.info("no access token: registering openly");
        return () => Promise.resolve(undefined);
      }
      throw new UsageError(
        `Not signed in at ${options.gateway}: set SALLYPORT_TOKEN and SALLYPORT_GATEWAY, pass --token-file, or run \`sallyport login\`; without an account, pass --authorized-keys FILE`,
      );
    }
  }
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "EFAILED";
    throw new CommandError("file", code, redactTokens(`the token file ${path} cannot be read (${code})`), {
      cause,
    });
  }
}

const { subcommands } = definition;

// Their code is loaded when they are called: a container starts a host each time, and a service is made once.
export const command = commandGroup(
  definition,
  {
    "install-service": executable(subcommands["install-service"], async (input, context) =>
      (await import("./service/install.ts")).installService(input, context),
    ),
    "uninstall-service": executable(subcommands["uninstall-service"], async (input, context) =>
      (await import("./service/uninstall.ts")).uninstallService(input, context),
    ),
    "service-status": executable(subcommands["service-status"], async (input, context) =>
      (await import("./service/status.ts")).serviceStatus(input, context),
    ),
  },
  run,
);
