// Turns the gateway's options into settings, and checks that they fit together. Pure: nothing is opened
// here.

import { homedir } from "node:os";
import { join } from "node:path";
import type { Setting } from "../../protocol/admin-api.ts";
import { type CommandContext, UsageError } from "../../protocol/command/command.ts";
import type { Input } from "../../protocol/command/run.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { isHostName, parsePort, type SshAddress } from "../../protocol/values/host-name.ts";
import type { ListenAddress } from "../address.ts";
import { type AcmeOptions, acmeOptions, certificateFile } from "../certificate/acme-options.ts";
import { type IdentityOptions, identityOptions } from "../identity/providers/settings/identity-options.ts";
import { type KeySourceOption, keySourcesOf } from "../key-sources/option.ts";
import { definition } from "./definition.ts";
import { settingsOf } from "./settings.ts";
import type { GatewayLogLevel } from "./value-types.ts";

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
  /** A release directory; null: none is offered. */
  readonly downloads: string | null;
  /** null: the address that is listened on. */
  readonly publicUrl: GatewayUrl | null;
  /** With `acme`, both are the one file that the gateway writes itself; it may be missing. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  /** null: certificates are not ordered. */
  readonly acme: AcmeOptions | null;
  readonly identity: IdentityOptions;
  /** Addresses, CIDR ranges, or `loopback`. */
  readonly trustProxy: readonly string[];
  /** Hosts may register without an account. */
  readonly open: boolean;
  /** The first start makes an access token, and prints it. */
  readonly firstToken: boolean;
  /** The pages for browsers are served. */
  readonly dashboard: boolean;
  /** Programs may sign in by a code that a person types into a page. */
  readonly deviceCodes: boolean;
  /** File of the keys that upterm hosts may register with; null: any key, if `open`. */
  readonly hostKeysAllowed: string | null;
  /** Where public keys are imported from. */
  readonly keySources: readonly KeySourceOption[];
  readonly metrics: ListenAddress | null;
  readonly logLevel: GatewayLogLevel;
  readonly maxStreams: number;
  /** Processes that share the work. */
  readonly workers: number;
  /** All options as administrators see them. */
  readonly settings: readonly Setting[];
}

type Environment = CommandContext["env"];
type Values = Input<typeof definition>["options"];

/** @throws UsageError */
export function gatewayOptions(values: Values, env: Environment): GatewayOptions {
  const dataDir = values.data ?? defaultDataDir(env);
  const acme = acmeOptions(values);
  return {
    http: values.http,
    ssh: values.ssh ?? null,
    publicSsh: publicSshOf(values["public-ssh"], values.ssh),
    trustedProxies: values["trusted-proxies"],
    userCa: values["user-ca"] ?? null,
    // 0 is never, too.
    sshIdleTimeout: values["ssh-idle-timeout"] || null,
    sshMaxSession: values["ssh-max-session"] || null,
    dataDir,
    downloads: values.downloads ?? null,
    publicUrl: values["public-url"] ?? null,
    tls: tlsOf(
      values["tls-cert"],
      values["tls-key"],
      acme === null ? undefined : certificateFile(dataDir, acme),
    ),
    acme,
    identity: identityOptions(values),
    trustProxy: values["trust-proxy"],
    open: values.open,
    firstToken: !values["no-first-token"],
    dashboard: !values["no-dashboard"],
    deviceCodes: !values["no-device-codes"],
    hostKeysAllowed: values["host-keys-allowed"] ?? null,
    keySources: keySourcesOf(values["key-sources"]),
    metrics: values.metrics ?? null,
    logLevel: values["log-level"],
    maxStreams: values["max-streams"],
    workers: values.workers,
    settings: settingsOf(definition, values),
  };
}

/** Where the gateway keeps its data, unless --data names a place. */
export function defaultDataDir(env: Environment): string {
  const base = nonEmpty(env.XDG_DATA_HOME) ?? join(nonEmpty(env.HOME) ?? homeDirectory(), ".local", "share");
  return join(base, "sallyport", "gateway");
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    // A user id without an entry in the user database, as in some containers, has no home.
    return "/";
  }
}

function tlsOf(
  certFile: string | undefined,
  keyFile: string | undefined,
  ordered: string | undefined,
): GatewayOptions["tls"] {
  if (certFile === undefined && keyFile === undefined) {
    return ordered === undefined ? null : { certFile: ordered, keyFile: ordered };
  }
  if (ordered !== undefined) throw new UsageError("--acme takes the place of --tls-cert and --tls-key.");
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError("--tls-cert and --tls-key go together.");
  }
  return { certFile, keyFile };
}

function publicSshOf(address: ListenAddress | undefined, ssh: ListenAddress | undefined): SshAddress | null {
  if (address === undefined) return null;
  if (ssh === undefined) throw new UsageError("--public-ssh means nothing without --ssh.");
  if (address.port === 0) throw new UsageError("--public-ssh takes the port that the public connects to.");
  const { host, port } = address;
  if (!isHostName(host)) throw new UsageError(`--public-ssh: ${JSON.stringify(host)} is not a host name.`);
  return { host, port: parsePort(port) };
}
