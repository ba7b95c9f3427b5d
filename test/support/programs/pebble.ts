// Pebble, the ACME server that Let's Encrypt tests clients with, and the name server that sends it to this machine. Both are
// built once, by Go, into the cache of the release's parts.

import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { freePort, listening } from "../loopback.ts";
import { findProgram } from "./find-program.ts";

const VERSION = "v2.10.3";
const PROGRAMS = ["pebble", "pebble-challtestsrv"] as const;
const GO = findProgram("go", ["/usr/local/go/bin"]);
const CACHE = join(
  process.env.XDG_CACHE_HOME || join(homedir(), ".cache"),
  "sallyport-release",
  `pebble-${VERSION}-${process.arch}`,
);

/** Why the tests with Pebble cannot run here; undefined: they can. */
export const NO_PEBBLE: string | undefined =
  spawnSync("openssl", ["version"]).status !== 0
    ? "openssl is missing"
    : existsSync(CACHE) || goMinor() >= 25
      ? undefined
      : "Go 1.25 or newer is missing";

/** 26 for Go 1.26; 0: there is none. */
function goMinor(): number {
  if (GO === undefined) return 0;
  const { stdout } = spawnSync(GO, ["version"], { encoding: "utf8" });
  return Number(/ go1\.(\d+)/.exec(stdout)?.[1] ?? 0);
}

/** Returns the directory of the two programs. @throws Error with what Go said */
export async function builtPebble(): Promise<string> {
  if (existsSync(CACHE)) return CACHE;
  if (GO === undefined) throw new Error("Go is missing");
  await mkdir(join(CACHE, ".."), { recursive: true });
  const aside = await mkdtemp(`${CACHE}.`);
  try {
    const packages = PROGRAMS.map((name) => `github.com/letsencrypt/pebble/v2/cmd/${name}@${VERSION}`);
    const env = { ...process.env, GOBIN: aside, GOFLAGS: "", CGO_ENABLED: "0" };
    await promisify(execFile)(GO, ["install", ...packages], { env });
    // A second build at the same time made the same.
    await rename(aside, CACHE).catch((error: unknown) => {
      if (!existsSync(CACHE)) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return CACHE;
}

export interface PebbleOptions {
  /** Where it expects the gateway for TLS-ALPN-01 and HTTP-01. */
  readonly tlsPort: number;
  readonly httpPort?: number;
  /** Of what it issues. */
  readonly validitySeconds?: number;
  /** Percentages of good nonces that it refuses, and of proofs that it remembers. */
  readonly refusedNonces?: number;
  readonly reusedProofs?: number;
  /** An external account that it requires: id, and key in base64url. */
  readonly externalAccount?: readonly [string, string];
  /** Its own port, to come back at the same one. */
  readonly port?: number;
  /** Where its certificate is, to come back with the same one. */
  readonly directory?: string;
}

export class Pebble implements AsyncDisposable {
  readonly port: number;
  /** Has its own certificate, and its log. */
  readonly directory: string;
  readonly #managementPort: number;
  readonly #children: readonly ChildProcess[];
  #log = "";

  private constructor(
    port: number,
    managementPort: number,
    directory: string,
    children: readonly ChildProcess[],
  ) {
    this.port = port;
    this.#managementPort = managementPort;
    this.directory = directory;
    this.#children = children;
    for (const child of children) {
      child.stdout?.setEncoding("utf8").on("data", (part: string) => {
        this.#log += part;
      });
    }
  }

  /** Every name leads to 127.0.0.1. @throws Error where it does not start */
  static async start(options: PebbleOptions): Promise<Pebble> {
    const programs = await builtPebble();
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "sallyport-pebble-")));
    const port = options.port ?? (await freePort());
    const [managementPort, dnsPort, dnsManagementPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const [certificate, privateKey] = [join(directory, "cert.pem"), join(directory, "key.pem")];
    if (!existsSync(certificate)) await makeCertificate(certificate, privateKey);
    const { externalAccount: account } = options;
    const config = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate,
      privateKey,
      httpPort: options.httpPort ?? 1,
      tlsPort: options.tlsPort,
      ocspResponderURL: "",
      externalAccountBindingRequired: account !== undefined,
      externalAccountMACKeys: account === undefined ? {} : { [account[0]]: account[1] },
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles: { default: { description: "", validityPeriod: options.validitySeconds ?? 7_776_000 } },
    };
    await writeFile(join(directory, "config.json"), JSON.stringify({ pebble: config }));
    const run = (name: (typeof PROGRAMS)[number], args: readonly string[]): ChildProcess =>
      spawn(join(programs, name), args, {
        stdio: ["ignore", "pipe", "ignore"],
        env: {
          PEBBLE_VA_NOSLEEP: "1",
          PEBBLE_WFE_NONCEREJECT: String(options.refusedNonces ?? 0),
          PEBBLE_AUTHZREUSE: String(options.reusedProofs ?? 0),
        },
      });
    const off = ["-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", ""];
    const dns = ["-dnsserver", `127.0.0.1:${dnsPort}`, "-management", `127.0.0.1:${dnsManagementPort}`];
    const pebble = new Pebble(port, managementPort, directory, [
      run("pebble-challtestsrv", [...dns, ...off, "-defaultIPv6", ""]),
      run("pebble", ["-config", join(directory, "config.json"), "-dnsserver", `127.0.0.1:${dnsPort}`]),
    ]);
    const deadline = AbortSignal.timeout(60_000);
    await Promise.all([port, managementPort, dnsManagementPort].map((each) => listening(each, deadline)));
    return pebble;
  }

  get directoryUrl(): string {
    return `https://localhost:${this.port}/dir`;
  }

  /** The file of the root that its own server's certificate is checked with. */
  get caFile(): string {
    return join(this.directory, "cert.pem");
  }

  log(): string {
    return this.#log;
  }

  /** Clients check what it issues with this root; PEM. */
  async root(): Promise<string> {
    const sent = request({ port: this.#managementPort, path: "/roots/0", rejectUnauthorized: false }).end();
    const [response] = await once(sent, "response");
    return text(response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
  }
}

async function makeCertificate(certificate: string, key: string): Promise<void> {
  const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  await promisify(execFile)("openssl", [...made, ...name, "-keyout", key, "-out", certificate]);
}
