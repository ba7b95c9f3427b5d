// A whole Sallyport on this machine: a gateway and a host as processes of their own, somebody who is signed in, and an
// ssh config that reaches the workspace. Everything lies below one directory; stop() ends the processes.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { gatewayApi } from "../../agent/client/gateway-api.ts";
import { Discovery, Workspace } from "../../protocol/api.ts";
import { parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseAccessToken } from "../../protocol/values/token.ts";
import { registerKeyFile } from "../../scripts/register-key.ts";
import { CLI } from "../../scripts/repository.ts";
import { type Program, startProgram } from "./programs/program.ts";
import { shellWord, sshConfigWord } from "./programs/shell-word.ts";

const run = promisify(execFile);

const GatewayReady = Type.Object({
  event: Type.Literal("ready"),
  http: Type.String(),
  ssh: Type.String({ pattern: ":[0-9]+$" }),
  adminToken: Type.Optional(Type.String()),
});
const HostReady = Type.Object({
  event: Type.Literal("ready"),
  workspace: Type.Object({ id: Type.String(), name: Type.String() }),
  fingerprint: Type.String(),
});

export interface StackOptions {
  /** Exists, mode 0700, and is the caller's to remove. */
  readonly directory: string;
  readonly workspace: string;
  /** More flags for `sallyport gateway`, such as `--http`. */
  readonly gatewayArgs?: readonly string[];
  /** Where host and companion reach the gateway, if not at its own URL: through something in between. */
  readonly reach?: (gateway: Gateway) => Promise<{ readonly host: string; readonly companion: string }>;
  /** What starts `sallyport`, for gateway, host and companion; missing: the build in dist/. */
  readonly program?: ProgramWords;
  readonly signal?: AbortSignal;
}

type ProgramWords = readonly [string, ...string[]];

const BUILT: ProgramWords = [process.execPath, CLI];

export interface Gateway {
  readonly url: string;
  /** The SSH port, on this machine. */
  readonly sshPort: number;
  /** Mode 0600. */
  readonly tokenFile: string;
  readonly program: Program<unknown>;
}

export interface Stack {
  readonly gateway: Gateway;
  readonly host: Program<unknown>;
  readonly workspace: { readonly id: string; readonly name: string };
  /**
   * The workspace is `Host` <its name> in it, through the companion. `<name>-jump` reaches it through the gateway's SSH
   * port end to end, `<name>-direct` by a session that the gateway re-originates.
   */
  readonly sshConfig: string;
  /** Environment for `sallyport` commands of the person who is signed in. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends host and gateway; the directory stays. */
  stop(): Promise<void>;
}

/** @throws Error that says which of the steps failed, with the last lines of the log; nothing is left running */
export async function startStack(options: StackOptions): Promise<Stack> {
  const gateway = await startGateway(options);
  let host: Program<unknown> | undefined;
  try {
    const env = personEnvironment(options.directory);
    const key = await makeKey(options.directory);
    const urls = (await options.reach?.(gateway)) ?? { host: gateway.url, companion: gateway.url };
    const signIn = { ...env, SALLYPORT_TOKEN_FILE: gateway.tokenFile, SALLYPORT_GATEWAY: urls.companion };
    await sallyport(options.program ?? BUILT, ["login", urls.companion], signIn);
    await addKey(gateway, key);
    const started = await startHost(options, { ...gateway, url: urls.host });
    host = started;
    const sshConfig = await writeSshConfig(options, { ...gateway, url: urls.companion }, key);
    return {
      gateway,
      host: started,
      workspace: started.ready.workspace,
      sshConfig,
      env,
      stop: async () => {
        await started.stop();
        await gateway.program.stop();
      },
    };
  } catch (error) {
    await host?.stop();
    await gateway.program.stop();
    throw error;
  }
}

/** Starts a gateway with its data below `directory`; its token is in a file from the first start on. */
export async function startGateway(options: Omit<StackOptions, "workspace">): Promise<Gateway> {
  const { directory, signal, gatewayArgs = ["--http", "127.0.0.1:0"], program: own = BUILT } = options;
  const flags = ["--json", "--ssh", "127.0.0.1:0", "--data", join(directory, "gateway")];
  const program = await startProgram({
    name: "the gateway",
    command: [...own, "gateway", ...flags, ...gatewayArgs],
    env: personEnvironment(directory),
    cwd: directory,
    logFile: join(directory, "gateway.log"),
    schema: GatewayReady,
    signal,
  });
  const tokenFile = join(directory, "token");
  const { http, ssh, adminToken } = program.ready;
  // Only the very first start shows the token.
  if (adminToken !== undefined) writeFileSync(tokenFile, `${adminToken}\n`, { mode: 0o600 });
  return { url: http, sshPort: Number(ssh.slice(ssh.lastIndexOf(":") + 1)), tokenFile, program };
}

export function startHost({ directory, workspace, signal, program = BUILT }: StackOptions, gateway: Gateway) {
  const flags = ["--json", "--gateway", gateway.url, "--name", workspace, "--token-file", gateway.tokenFile];
  return startProgram({
    name: "the host",
    command: [...program, "host", ...flags, "--state", join(directory, "host")],
    env: personEnvironment(directory),
    cwd: directory,
    logFile: join(directory, "host.log"),
    schema: HostReady,
    signal,
  });
}

/** Nothing of the real person: neither their sign-ins nor their keychain, nor the proxies of their network. */
export function personEnvironment(directory: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(SALLYPORT_|SSH_|npm_)|_proxy$/i.test(name));
  return {
    ...Object.fromEntries(own),
    SALLYPORT_CONFIG: join(directory, "config"),
    SALLYPORT_KEYCHAIN: "off",
    XDG_CACHE_HOME: join(directory, "cache"),
  };
}

async function sallyport(
  [program, ...words]: ProgramWords,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    await run(program, [...words, ...args], { env, timeout: 30_000 });
  } catch (cause) {
    const stderr = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : String(cause);
    throw new Error(`\`sallyport ${args.join(" ")}\` failed: ${stderr}`, { cause });
  }
}

async function makeKey(directory: string): Promise<string> {
  const path = join(directory, "id_ed25519");
  if (!existsSync(path))
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "sallyport", "-f", path]);
  return path;
}

/** After a second start on the same data it is there already. */
async function addKey(gateway: Gateway, path: string): Promise<void> {
  const url = parseGatewayUrl(gateway.url);
  const api = gatewayApi(url, { token: parseAccessToken(readFileSync(gateway.tokenFile, "utf8").trim()) });
  const blob = readFileSync(`${path}.pub`, "utf8").split(" ")[1];
  if ((await api.keys()).some(({ publicKey }) => publicKey.split(" ")[1] === blob)) return;
  await registerKeyFile(api, url, { path });
}

/** POST with a body, GET without. */
export function callApi({ url, tokenFile }: Gateway, path: string, body?: unknown): Promise<Response> {
  const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`;
  return fetch(`${url}/api/v1/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
}

/** An ssh config with the host key pinned as the gateway publishes it, and a ProxyCommand through the companion. */
async function writeSshConfig(options: StackOptions, gateway: Gateway, key: string): Promise<string> {
  const { directory, workspace, program = BUILT } = options;
  const response = await callApi(gateway, `workspaces/${workspace}`);
  const found: unknown = await response.json();
  if (!Check(Workspace, found)) throw new Error(`the workspace's host keys: ${JSON.stringify(found)}`);
  const discovered: unknown = await (await fetch(`${gateway.url}/.well-known/sallyport`)).json();
  if (!Check(Discovery, discovered))
    throw new Error(`the gateway's host keys: ${JSON.stringify(discovered)}`);
  const knownHosts = join(directory, "known_hosts");
  const pins = [
    ...found.hostKeys.map((hostKey) => `${workspace} ${hostKey}\n`),
    ...discovered.hostKeys.map((hostKey) => `gateway ${hostKey}\n`),
  ];
  writeFileSync(knownHosts, pins.join(""), { mode: 0o600 });
  const { SALLYPORT_CONFIG, XDG_CACHE_HOME } = personEnvironment(directory);
  const own = Object.entries({ SALLYPORT_CONFIG, XDG_CACHE_HOME })
    .map(([name, value = ""]) => `${name}=${shellWord(value)}`)
    .join(" ");
  const tunnel = [...program, "tunnel", gateway.url, workspace].map(shellWord).join(" ");
  const common = [
    `  IdentityFile ${sshConfigWord(key)}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${sshConfigWord(knownHosts)}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  ControlPath none",
  ];
  const address = ["  HostName 127.0.0.1", `  Port ${gateway.sshPort}`, "  HostKeyAlias gateway"];
  const lines = [
    `Host ${workspace}`,
    `  HostName ${workspace}`,
    `  User ${sshConfigWord(userInfo().username)}`,
    `  ProxyCommand env ${own} ${tunnel}`.replaceAll("%", "%%"),
    `  HostKeyAlias ${workspace}`,
    ...common,
    "Host gateway",
    "  User jump",
    ...address,
    ...common,
    `Host ${workspace}-jump`,
    `  HostName ${workspace}`,
    `  User ${sshConfigWord(userInfo().username)}`,
    "  ProxyJump gateway",
    `  HostKeyAlias ${workspace}`,
    ...common,
    `Host ${workspace}-direct`,
    `  User ${workspace}`,
    ...address,
    ...common,
  ];
  const path = join(directory, "ssh_config");
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return path;
}
