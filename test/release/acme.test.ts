// `sallyport gateway --acme` as a process of its own, with a real ACME server.

import { execFileSync } from "node:child_process";
import dns from "node:dns";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { get } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import tls, { type PeerCertificate } from "node:tls";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { dialTunnel } from "../../agent/client/tunnel/tunnel.ts";
import type { Network } from "../../agent/platform/network/network.ts";
import { parseGatewayUrl, SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../protocol/values/name.ts";
import { Person } from "../support/cli.ts";
import { prepareGatewayData } from "../support/host-state.ts";
import { echo } from "../support/link.ts";
import { freePort } from "../support/loopback.ts";
import { builtPebble, NO_PEBBLE, Pebble, type PebbleOptions } from "../support/programs/pebble.ts";
import { type Gateway, startGateway } from "../support/stack.ts";
import { startTestHost } from "../support/test-host.ts";
import { until } from "../support/until.ts";
import { releasedProgram } from "./support/release.ts";

const NAME = "gw.sallyport.test";
const OTHER = "other.sallyport.test";

/** The clients in this process find these names on this machine, as the authority does. */
const lookup = dns.lookup;
dns.lookup = ((name: string, ...rest: unknown[]) =>
  Reflect.apply(lookup, dns, [name.endsWith(".sallyport.test") ? "127.0.0.1" : name, ...rest])) as never;
syncBuiltinESMExports();

const EXECUTABLE = executable();

function executable(): string | undefined {
  try {
    return process.platform === "linux" && process.arch === "x64" ? releasedProgram("linux-x64") : undefined;
  } catch {
    return undefined; // Not made.
  }
}

type Line = Readonly<Record<string, unknown>>;

class Setting {
  readonly directory = mkdtempSync(join(tmpdir(), "sallyport-acme-"));
  readonly tlsPort: number;
  readonly httpPort: number;
  readonly url: string;
  #pebble: Pebble | undefined;
  #gateway: Gateway | undefined;

  static async make(): Promise<Setting> {
    return new Setting(await freePort(), await freePort());
  }

  private constructor(tlsPort: number, httpPort: number) {
    this.tlsPort = tlsPort;
    this.httpPort = httpPort;
    this.url = `https://${NAME}:${tlsPort}`;
    onTestFinished(async () => {
      await this.#gateway?.program.stop();
      await this.#pebble?.[Symbol.asyncDispose]();
      rmSync(this.directory, { recursive: true, force: true });
      if (this.#pebble !== undefined) rmSync(this.#pebble.directory, { recursive: true, force: true });
    });
  }

  get pebble(): Pebble {
    if (this.#pebble === undefined) throw new Error("no authority was started");
    return this.#pebble;
  }

  /** The same authority, as far as the gateway can see, if it was started before. */
  async startPebble(options: Partial<PebbleOptions> = {}): Promise<void> {
    const { tlsPort, httpPort } = this;
    const former = this.#pebble;
    const again = former === undefined ? {} : { port: former.port, directory: former.directory };
    this.#pebble = await Pebble.start({ tlsPort, httpPort, ...again, ...options });
  }

  async startGateway(...args: string[]): Promise<void> {
    await this.startProgram({}, ...args);
  }

  async startProgram(built: { readonly program?: readonly [string] }, ...args: string[]): Promise<void> {
    await prepareGatewayData(join(this.directory, "gateway"));
    const from = ["--acme-directory", this.pebble.directoryUrl, "--acme-ca", this.pebble.caFile];
    const at = ["--http", `127.0.0.1:${this.tlsPort}`, "--public-url", this.url];
    this.#gateway = await startGateway({
      directory: this.directory,
      ...built,
      gatewayArgs: [...at, "--acme", ...from, ...args],
    });
  }

  async stopGateway(): Promise<void> {
    await this.#gateway?.program.stop();
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error("no gateway was started");
    return this.#gateway;
  }

  get files(): string {
    const [only = ""] = readdirSync(join(this.directory, "gateway", "acme"));
    return join(this.directory, "gateway", "acme", only);
  }

  log(): Line[] {
    return readFileSync(join(this.directory, "gateway.log"), "utf8")
      .split("\n")
      .flatMap((line): Line[] => (line.startsWith("{") ? [JSON.parse(line)] : []));
  }

  logged(event: string): Line[] {
    return this.log().filter(({ audit }) => audit === event);
  }

  async issued(count = 1): Promise<void> {
    await until(() => this.logged("certificate.issued").length >= count, 90_000).catch((error: unknown) => {
      throw new Error(
        `${error}\n${this.log()
          .map((line) => JSON.stringify(line))
          .join("\n")}`,
      );
    });
  }

  /** Every worker has a certificate. */
  async served(): Promise<void> {
    for (let i = 0; i < 4; i++) await until(() => this.seen(NAME).catch(() => undefined));
  }

  /** The certificate that a client sees, after it has checked it with the authority's root. */
  async seen(name: string, root?: string): Promise<PeerCertificate> {
    const ca = root ?? (await this.pebble.root());
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host: "127.0.0.1", port: this.tlsPort, servername: name, ca }, () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.on("error", reject);
    });
  }
}

/** Direct, with this root. */
function networkOf(ca: string): Network {
  const options = { ca };
  return {
    tlsSessions: new Map(),
    addresses: new Map(),
    routes: async () => [{ kind: "direct" }],
    tlsOptions: async () => options,
    tlsOptionsWithSystem: async () => undefined,
  };
}

async function plain(
  port: number,
  path: string,
): Promise<{ status?: number; location?: string; body: string }> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", path, agent: false }, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, location: headers.location ?? "", body }), reject);
    }).on("error", reject);
  });
}

describe.skipIf(NO_PEBBLE !== undefined)(`with Pebble (${NO_PEBBLE ?? "here"})`, () => {
  beforeAll(async () => void (await builtPebble()));

  test.each([
    ["tls-alpn-01", "1"],
    ["tls-alpn-01", "2"],
    ["http-01", "1"],
    ["http-01", "2"],
  ])("%s gets a certificate for all names that clients accept, with %s workers", async (kind, workers) => {
    const setting = await Setting.make();
    const http = kind === "http-01" ? ["--acme-http", `127.0.0.1:${setting.httpPort}`] : [];
    const metricsPort = await freePort();
    await setting.startPebble({ refusedNonces: 30, reusedProofs: 50 });
    await setting.startGateway(
      ...["--workers", workers, "--acme-challenge", kind, "--acme-domain", OTHER, ...http],
      ...["--metrics", `127.0.0.1:${metricsPort}`],
    );
    await setting.issued();
    await setting.served();
    for (const name of [NAME, OTHER]) {
      expect((await setting.seen(name)).subjectaltname).toBe(`DNS:${NAME}, DNS:${OTHER}`);
    }
    await expect(setting.seen("third.sallyport.test")).rejects.toThrow(/altnames/);
    for (const file of readdirSync(setting.files)) {
      expect(statSync(join(setting.files, file)).mode & 0o777, file).toBe(0o600);
    }
    expect(readdirSync(setting.files).sort()).toEqual(["account.pem", "attempts.json", "certificate.pem"]);
    const { body } = await plain(metricsPort, "/metrics");
    const expiry = Number(/^sallyport_certificate_expiry_seconds (.*)$/m.exec(body)?.[1]);
    expect(expiry).toBeGreaterThan(7_000_000);
    expect(body).toMatch(/^# TYPE sallyport_acme_failures_total counter$/m);
    if (kind === "http-01") {
      const path = "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
      expect(await plain(setting.httpPort, path)).toMatchObject({ status: 404 });
      expect(await plain(setting.httpPort, "/x?y")).toMatchObject({
        status: 302,
        location: `${setting.url}/x?y`,
      });
    }
  });

  test.skipIf(EXECUTABLE === undefined)(
    `the executable gets one for its workers, too${EXECUTABLE === undefined ? " (there is no release for linux-x64)" : ""}`,
    async () => {
      const setting = await Setting.make();
      await setting.startPebble();
      await setting.startProgram({ program: [EXECUTABLE ?? ""] }, "--workers", "2");
      await setting.issued();
      await setting.served();
    },
  );

  test.each(["1", "2"])(
    "with %s workers it is renewed in time, and open tunnels live on",
    async (workers) => {
      const setting = await Setting.make();
      await setting.startPebble({ validitySeconds: 20, refusedNonces: 20 });
      await setting.startGateway("--workers", workers, "--open");
      await setting.issued();
      await setting.served();
      const network = networkOf(await setting.pebble.root());
      const gateway = parseGatewayUrl(setting.url);
      const token = readFileSync(setting.gateway.tokenFile, "utf8").trim();
      const host = await startTestHost({
        gateway,
        network,
        token,
        name: "box",
        state: join(setting.directory, "host"),
        onStream: (stream) => void stream.pipe(stream),
        owner: (stop) => onTestFinished(stop),
      });
      const target = { gateway, workspace: parseWorkspaceRef("box"), token, network };
      const tunnel = await dialTunnel(target, [SUBPROTOCOL.raw], AbortSignal.timeout(25_000));
      onTestFinished(() => tunnel.terminate());
      expect(await echo(tunnel, "before")).toBe("before");
      const first = await setting.seen(NAME);
      await setting.issued(3);
      // The first certificate has expired by now, or is about to; whoever comes now sees a valid one.
      await until(async () => (await setting.seen(NAME)).serialNumber !== first.serialNumber);
      await until(() => Date.parse(first.valid_to) < Date.now());
      for (let i = 0; i < 4; i++)
        expect(Date.parse((await setting.seen(NAME)).valid_to)).toBeGreaterThan(Date.now());
      expect(await echo(tunnel, "after")).toBe("after");
      expect(host.registrations()).toBe(1);
      expect(setting.logged("certificate.failed")).toEqual([]);
    },
  );

  test("a restart uses the certificate that is stored, without a word to the authority", async () => {
    const setting = await Setting.make();
    await setting.startPebble();
    await setting.startGateway();
    await setting.issued();
    const root = await setting.pebble.root();
    const { serialNumber } = await setting.seen(NAME);
    await setting.stopGateway();
    await setting.pebble[Symbol.asyncDispose]();
    await setting.startGateway();
    expect((await setting.seen(NAME, root)).serialNumber).toBe(serialNumber);
    expect(setting.logged("certificate.issued")).toHaveLength(1);
    expect(setting.logged("certificate.failed")).toEqual([]);
  });

  test("a further name is a reason for a new certificate, by the same account", async () => {
    const setting = await Setting.make();
    await setting.startPebble();
    await setting.startGateway();
    await setting.issued();
    const key = readFileSync(join(setting.files, "account.pem"), "utf8");
    await setting.stopGateway();
    await setting.startGateway("--acme-domain", OTHER);
    await setting.issued(2);
    expect((await setting.seen(OTHER)).subjectaltname).toBe(`DNS:${NAME}, DNS:${OTHER}`);
    expect(readFileSync(join(setting.files, "account.pem"), "utf8")).toBe(key);
  });

  test("a challenge that fails is named with its reason and the next attempt, and the old certificate is served", async () => {
    const setting = await Setting.make();
    await setting.startPebble({ validitySeconds: 3_600 });
    await setting.startGateway();
    await setting.issued();
    const root = await setting.pebble.root();
    const { serialNumber } = await setting.seen(NAME);
    await setting.stopGateway();
    await setting.pebble[Symbol.asyncDispose]();
    // The authority looks for the gateway where it is not.
    await setting.startPebble({ tlsPort: await freePort() });
    await setting.startGateway("--acme-domain", OTHER);
    const line = await until(() => setting.log().find(({ failures }) => failures === 1));
    expect(line.code).toBe("acme_challenge_failed");
    expect(setting.logged("certificate.failed")).toMatchObject([{ code: "acme_challenge_failed" }]);
    expect(line.msg).toMatch(
      /^acme: no certificate: The certificate authority could not verify \S+ by tls-alpn-01: Failed to connect .* stays in use\.$/,
    );
    expect(line.level).toBe("warn");
    const wait = Date.parse(String(line.next)) - Date.parse(String(line.time));
    expect(wait).toBeGreaterThan(59_000);
    expect(wait).toBeLessThan(76_000);
    expect((await setting.seen(NAME, root)).serialNumber).toBe(serialNumber);
    expect(JSON.parse(readFileSync(join(setting.files, "attempts.json"), "utf8"))).toMatchObject({
      failures: 1,
    });
    expect(readdirSync(setting.files).filter((name) => /challenge|part/.test(name))).toEqual([]);
  });

  test("without an authority the gateway starts, refuses handshakes, says why, and gets well when it is restarted", async () => {
    const setting = await Setting.make();
    const metricsPort = await freePort();
    await setting.startPebble();
    await setting.pebble[Symbol.asyncDispose]();
    await setting.startGateway("--metrics", `127.0.0.1:${metricsPort}`);
    const line = await until(() => setting.log().find(({ failures }) => failures === 1));
    expect(line).toMatchObject({ level: "error", code: "acme_unreachable" });
    expect(line.msg).toMatch(
      /can't be reached \(.*ECONNREFUSED.*There is no valid certificate, so TLS connections fail\.$/,
    );
    await expect(setting.seen(NAME, "")).rejects.toThrow(/handshake failure/i);
    const { body } = await plain(metricsPort, "/metrics");
    expect(body).toMatch(/^sallyport_certificate_expiry_seconds 0$/m);
    expect(body).toMatch(/^sallyport_acme_failures_total\{code="acme_unreachable"\} 1$/m);
    const person = new Person();
    onTestFinished(() => person.close());
    const health = await person.run(["gateway", "health", "--http", `127.0.0.1:${setting.tlsPort}`]);
    expect(health, health.stderr).toMatchObject({ code: 0 });
    await setting.stopGateway();
    await setting.startPebble();
    await setting.startGateway();
    await setting.issued();
    await setting.seen(NAME);
  });

  test("after four failures within an hour, restarts change nothing", async () => {
    const setting = await Setting.make();
    await setting.startPebble({ tlsPort: await freePort() });
    for (let i = 1; i <= 4; i++) {
      await setting.startGateway();
      await until(() => setting.logged("certificate.failed").length === i, 60_000);
      await until(() => readAttempts(setting)?.failures === i);
      await setting.stopGateway();
    }
    const orders = () => setting.pebble.log().match(/POST \/order-plz/g)?.length;
    expect(orders()).toBe(4);
    await setting.startGateway();
    await setting.stopGateway();
    expect(orders()).toBe(4);
  });

  test("an external account is bound, and one that is missing or wrong is said so", async () => {
    const setting = await Setting.make();
    const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    await setting.startPebble({ externalAccount: ["kid-1", key] });
    await setting.startGateway();
    await until(() =>
      setting.logged("certificate.failed").some(({ code, detail }) => {
        return code === "acme_account" && String(detail).includes("--acme-eab-kid");
      }),
    );
    await setting.stopGateway();
    const keyFile = join(setting.directory, "eab.key");
    writeFileSync(keyFile, "d3Jvbmc\n", { mode: 0o600 });
    const named = ["--acme-eab-kid", "kid-1", "--acme-eab-key", keyFile];
    await setting.startGateway(...named);
    await until(() => setting.logged("certificate.failed").length === 2);
    await setting.stopGateway();
    writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
    await setting.startGateway(...named);
    await setting.issued();
  });

  test("where the clock is wrong, what was issued is served, and no further one ordered at once", async () => {
    const setting = await Setting.make();
    // A clock that is ahead sees a certificate that is old already.
    await setting.startPebble({ validitySeconds: 1 });
    await setting.startGateway();
    const failed = await until(() => setting.logged("certificate.failed")[0]);
    expect(failed).toMatchObject({ code: "clock", detail: expect.stringContaining("set the clock") });
    const line = await until(() => setting.log().find(({ failures }) => failures === 1));
    expect(Date.parse(String(line.next)) - Date.parse(String(line.time))).toBeGreaterThan(59_000);
    expect(setting.pebble.log().match(/POST \/order-plz/g)).toHaveLength(1);
    expect(setting.logged("certificate.issued")).toHaveLength(1);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "a full disk is named before anything is ordered (needs root)",
    async () => {
      const setting = await Setting.make();
      await setting.startPebble();
      const full = join(setting.directory, "gateway", "acme");
      mkdirSync(full, { recursive: true, mode: 0o700 });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=32k,mode=700", "none", full]);
      onTestFinished(() => void execFileSync("umount", [full]));
      await setting.startGateway();
      const failed = await until(() => setting.logged("certificate.failed")[0]);
      expect(failed).toMatchObject({ code: "file", detail: expect.stringContaining("ENOSPC") });
      expect(setting.pebble.log()).not.toMatch(/order-plz/);
      await setting.stopGateway();
      execFileSync("mount", ["-o", "remount,size=1m", full]);
      await setting.startGateway();
      await setting.issued();
    },
  );

  test("an authority whose own certificate is not trusted is not used", async () => {
    const setting = await Setting.make();
    await setting.startPebble();
    const other = await Pebble.start({ tlsPort: 1 });
    onTestFinished(async () => {
      await other[Symbol.asyncDispose]();
      rmSync(other.directory, { recursive: true, force: true });
    });
    await setting.startGateway("--acme-ca", other.caFile);
    const failed = await until(() => setting.logged("certificate.failed")[0]);
    expect(failed).toMatchObject({ code: "acme_untrusted", detail: expect.stringContaining("--acme-ca") });
    expect(setting.pebble.log()).not.toMatch(/order-plz/);
    expect(existsSync(join(setting.files, "certificate.pem"))).toBe(false);
  });
});

function readAttempts(setting: Setting): { failures: number } | undefined {
  try {
    return JSON.parse(readFileSync(join(setting.files, "attempts.json"), "utf8"));
  } catch {
    return undefined; // Not written yet.
  }
}
