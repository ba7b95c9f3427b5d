// The gateway's command line and environment, read into one checked object. Pure: nothing is opened here.

import { isIPv6 } from "node:net";
import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UsageError } from "../../protocol/command/command.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { type GatewayUrl, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { isHostName, parsePort, type SshAddress } from "../../protocol/values/host-name.ts";
import { addressMatcher, type ListenAddress } from "../address.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type GatewayLogLevel = (typeof LOG_LEVELS)[number];

export interface GatewayOptions {
  readonly http: ListenAddress;
  readonly ssh: ListenAddress | null;
  /** How the public reaches the SSH port; null: by the public URL's host, at the port that is listened on. */
  readonly publicSsh: SshAddress | null;
  /** Whose connections to the SSH port begin with a PROXY header: addresses, CIDR ranges, or `loopback`. */
  readonly trustedProxies: readonly string[];
  /** File of the certificate authorities whose user certificates sign in. */
  readonly userCa: string | null;
  /** In seconds; null: for ever. */
  readonly sshIdleTimeout: number | null;
  /** In seconds, from sign-in to the end; null: for ever. */
  readonly sshMaxSession: number | null;
  readonly dataDir: string;
  /** null: the address that is listened on. */
  readonly publicUrl: GatewayUrl | null;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** Addresses, CIDR ranges, or `loopback`. */
  readonly trustProxy: readonly string[];
  /** Hosts may register without an account. */
  readonly open: boolean;
  /** File of the keys that upterm hosts may register with; null: any key, if `open`. */
  readonly hostKeysAllowed: string | null;
  readonly metrics: ListenAddress | null;
  readonly logLevel: GatewayLogLevel;
  readonly maxStreams: number;
  /** Processes that share the work. */
  readonly workers: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const flags = {
  http: { type: "string" },
  ssh: { type: "string" },
  "public-ssh": { type: "string" },
  "trusted-proxies": { type: "string", multiple: true },
  "user-ca": { type: "string" },
  "ssh-idle-timeout": { type: "string" },
  "ssh-max-session": { type: "string" },
  data: { type: "string" },
  "public-url": { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "trust-proxy": { type: "string", multiple: true },
  open: { type: "boolean" },
  "host-keys-allowed": { type: "string" },
  metrics: { type: "string" },
  json: { type: "boolean" },
  "log-level": { type: "string" },
  "max-streams": { type: "string" },
  workers: { type: "string" },
} as const;

const DEFAULT_HTTP = "127.0.0.1:8022";
const DEFAULT_MAX_STREAMS = 10_000;
const MAX_WORKERS = 64;

/** @throws UsageError */
export function parseGatewayOptions(
  args: readonly string[],
  env: Environment,
): { options: GatewayOptions; json: boolean } {
  const values = parse(args);
  const text = (flag: TextFlag): string | undefined => values[flag] ?? nonEmpty(env[variable(flag)]);
  const truth = (flag: "open" | "json"): boolean =>
    values[flag] ?? truthOf(variable(flag), env[variable(flag)]);
  const list = (flag: ListFlag): string[] => listOf(flag, values[flag] ?? [env[variable(flag)] ?? ""]);
  const seconds = (flag: TextFlag): number | null => {
    const value = text(flag);
    return value === undefined || value === "0" ? null : countOf(`--${flag}`, value);
  };
  const address = (flag: TextFlag): ListenAddress | null => {
    const value = text(flag);
    return value === undefined ? null : parseAddress(`--${flag}`, value);
  };
  return {
    json: truth("json"),
    options: {
      http: address("http") ?? parseAddress("--http", DEFAULT_HTTP),
      ssh: address("ssh"),
      publicSsh: publicSshOf(address("public-ssh"), text("ssh")),
      trustedProxies: list("trusted-proxies"),
      userCa: text("user-ca") ?? null,
      sshIdleTimeout: seconds("ssh-idle-timeout"),
      sshMaxSession: seconds("ssh-max-session"),
      dataDir: text("data") ?? defaultDataDir(env),
      publicUrl: publicUrlOf(text("public-url")),
      tls: tlsOf(text("tls-cert"), text("tls-key")),
      trustProxy: list("trust-proxy"),
      open: truth("open"),
      hostKeysAllowed: text("host-keys-allowed") ?? null,
      metrics: address("metrics"),
      logLevel: logLevelOf(text("log-level") ?? "info"),
      maxStreams: countOf("--max-streams", text("max-streams") ?? String(DEFAULT_MAX_STREAMS)),
      workers: workersOf(text("workers") ?? "1"),
    },
  };
}

/** For `gateway admin-token`. @throws UsageError */
export function parseAdminTokenOptions(
  args: readonly string[],
  env: Environment,
): { dataDir: string; json: boolean } {
  const { data, json, ...others } = parse(args);
  const [other] = Object.keys(others);
  if (other !== undefined) throw new UsageError(`--${other} means nothing to gateway admin-token.`);
  return {
    dataDir: data ?? nonEmpty(env[variable("data")]) ?? defaultDataDir(env),
    json: json ?? truthOf(variable("json"), env[variable("json")]),
  };
}

/** What `gateway host-keys` is to do. */
export interface HostKeysOptions {
  readonly dataDir: string;
  readonly json: boolean;
  readonly action: "show" | "rotate" | "activate" | "forget";
}

/** For `gateway host-keys`. @throws UsageError */
export function parseHostKeysOptions(args: readonly string[], env: Environment): HostKeysOptions {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      options: {
        data: flags.data,
        json: flags.json,
        activate: { type: "boolean" },
        "forget-former": { type: "boolean" },
      },
      strict: true,
      allowPositionals: true,
    }),
  );
  const [action, more] = positionals;
  const { activate = false, "forget-former": forget = false } = values;
  if (more !== undefined || (action !== undefined && action !== "rotate")) {
    throw new UsageError("gateway host-keys does one thing besides showing them: rotate.");
  }
  if ((activate || forget) && action === undefined) {
    throw new UsageError("--activate and --forget-former belong to gateway host-keys rotate.");
  }
  if (activate && forget) throw new UsageError("--activate and --forget-former are two steps.");
  return {
    dataDir: values.data ?? nonEmpty(env[variable("data")]) ?? defaultDataDir(env),
    json: values.json ?? truthOf(variable("json"), env[variable("json")]),
    action: action === undefined ? "show" : activate ? "activate" : forget ? "forget" : "rotate",
  };
}

type Flag = keyof typeof flags;
type ListFlag = "trust-proxy" | "trusted-proxies";
type TextFlag = Exclude<Flag, "open" | "json" | ListFlag>;

function parse(args: readonly string[]) {
  return parsed(() => parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false }))
    .values;
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new UsageError(message, { cause: error });
  }
}

function variable(flag: Flag): string {
  return `SALLYPORT_${flag.toUpperCase().replaceAll("-", "_")}`;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function truthOf(name: string, value: string | undefined): boolean {
  if (value === undefined || /^(|0|false|no)$/i.test(value)) return false;
  if (/^(1|true|yes)$/i.test(value)) return true;
  throw new UsageError(`${name} is 1 or 0, not ${JSON.stringify(value)}.`);
}

function parseAddress(flag: string, value: string): ListenAddress {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i.exec(value);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || (match[1] !== undefined && !isIPv6(host))) {
    throw new UsageError(
      `${flag} takes HOST:PORT, such as 127.0.0.1:8022 or [::]:8022, not ${JSON.stringify(value)}.`,
    );
  }
  return { host, port };
}

function defaultDataDir(env: Environment): string {
  const base = nonEmpty(env.XDG_DATA_HOME) ?? join(nonEmpty(env.HOME) ?? homeDirectory(), ".local", "share");
  return join(base, "sallyport", "gateway");
}

function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    // A user id without an entry in the user database, as containers have them, is at home nowhere.
    return "/";
  }
}

function publicUrlOf(value: string | undefined): GatewayUrl | null {
  if (value === undefined) return null;
  try {
    return parseGatewayUrl(value);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new UsageError(`--public-url: ${error.message}`, { cause: error });
  }
}

function tlsOf(certFile: string | undefined, keyFile: string | undefined): GatewayOptions["tls"] {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError("--tls-cert and --tls-key go together.");
  }
  return { certFile, keyFile };
}

function publicSshOf(address: ListenAddress | null, ssh: string | undefined): SshAddress | null {
  if (address === null) return null;
  if (ssh === undefined) throw new UsageError("--public-ssh means nothing without --ssh.");
  if (address.port === 0) throw new UsageError("--public-ssh takes the port that the public connects to.");
  const { host, port } = address;
  if (!isHostName(host)) throw new UsageError(`--public-ssh: ${JSON.stringify(host)} is not a host name.`);
  return { host, port: parsePort(port) };
}

function listOf(flag: ListFlag, values: readonly string[]): string[] {
  const entries = values.flatMap((value) => value.split(/[\s,]+/)).filter((entry) => entry !== "");
  try {
    addressMatcher(entries);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`--${flag}: ${error.message}.`, { cause: error });
  }
  return entries;
}

function logLevelOf(value: string): GatewayLogLevel {
  const level = LOG_LEVELS.find((name) => name === value);
  if (level === undefined) throw new UsageError(`--log-level is one of ${LOG_LEVELS.join(", ")}.`);
  return level;
}

function workersOf(value: string): number {
  const workers = value === "auto" ? Math.min(availableParallelism(), MAX_WORKERS) : Number(value);
  if (!/^([1-9]\d?|auto)$/.test(value) || workers > MAX_WORKERS) {
    throw new UsageError(`--workers is a number from 1 to ${MAX_WORKERS}, or auto: one a core.`);
  }
  return workers;
}

function countOf(flag: string, value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new UsageError(`${flag} is a number from 1 to 9999999.`);
  return Number(value);
}
