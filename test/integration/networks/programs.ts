// Real proxies and reverse proxies, each in the foreground with a configuration of its own on a loopback port, below one
// temporary directory.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/loopback.ts";
import { type Certificate, readableByOthers } from "./certificates.ts";

/** PATH of a login as root: daemons are in the sbin directories. */
const PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

/** What the routers of hosting platforms add to a request. */
const FORWARDED = `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
              proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Port 443;
              proxy_set_header Via "1.1 router"; proxy_set_header X-Request-Id $request_id;`;

/** What a test says when it skips; undefined: the program is here. */
export function missing(program: string): string | undefined {
  const found = spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH } }).status === 0;
  return found ? undefined : `${program} is not installed`;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface RunningProxy {
  readonly port: number;
  /** What it has logged so far. */
  log(): string;
}

export class Programs {
  readonly directory: string;
  readonly #children: ChildProcess[] = [];
  #made = 0;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "sallyport-networks-"));
    // Squid and nginx give up root for users of their own, who have to reach their files.
    chmodSync(this.directory, 0o755);
  }

  /** Everything may pass; `gateway.test` is this machine, and known to nobody else. */
  async squid(options: { auth?: Credentials; tls?: Certificate } = {}): Promise<RunningProxy> {
    const directory = this.#place();
    writeFileSync(join(directory, "hosts"), "127.0.0.1 gateway.test\n");
    const { auth, tls } = options;
    if (auth !== undefined) {
      const hash = execFileSync("openssl", ["passwd", "-apr1", auth.password], { encoding: "utf8" });
      writeFileSync(join(directory, "passwords"), `${auth.user}:${hash}`);
    }
    const log = join(directory, "access.log");
    return await this.#start("squid", log, (port) => {
      const lines = [
        tls === undefined
          ? `http_port 127.0.0.1:${port}`
          : `https_port 127.0.0.1:${port} tls-cert=${tls.cert} tls-key=${readableByOthers(tls.key)}`,
        "pid_filename none",
        "cache deny all",
        `access_log stdio:${log}`,
        `cache_log ${join(directory, "cache.log")}`,
        `hosts_file ${join(directory, "hosts")}`,
        // No question leaves this machine.
        "dns_nameservers 127.0.0.1",
        `coredump_dir ${directory}`,
        "netdb_filename none",
        "pinger_enable off",
        "shutdown_lifetime 0 seconds",
        ...(auth === undefined
          ? ["http_access allow all"]
          : [
              `auth_param basic program ${squidHelper()} ${join(directory, "passwords")}`,
              "acl signed_in proxy_auth REQUIRED",
              "http_access allow signed_in",
              "http_access deny all",
            ]),
      ];
      writeFileSync(join(directory, "squid.conf"), `${lines.join("\n")}\n`);
      return ["-N", "-f", join(directory, "squid.conf")];
    });
  }

  async tinyproxy(auth?: Credentials): Promise<RunningProxy> {
    const directory = this.#place();
    const log = join(directory, "log");
    return await this.#start("tinyproxy", log, (port) => {
      const lines = [
        `Port ${port}`,
        "Listen 127.0.0.1",
        "Timeout 600",
        "Allow 127.0.0.1",
        `LogFile "${log}"`,
        "LogLevel Connect",
        "MaxClients 50",
        ...(auth === undefined ? [] : [`BasicAuth ${auth.user} ${auth.password}`]),
      ];
      writeFileSync(join(directory, "tinyproxy.conf"), `${lines.join("\n")}\n`);
      return ["-d", "-c", join(directory, "tinyproxy.conf")];
    });
  }

  async microsocks(auth?: Credentials): Promise<RunningProxy> {
    const log = join(this.#place(), "log");
    return await this.#start("microsocks", log, (port) => [
      "-i",
      "127.0.0.1",
      "-p",
      String(port),
      ...(auth === undefined ? [] : ["-u", auth.user, "-P", auth.password]),
    ]);
  }

  /** In front of `gatewayPort`, as its documentation has WebSockets. `idleSeconds`: the time-out that cuts idle connections; `forwarded`: with the headers of a platform's router. */
  async nginx(
    gatewayPort: number,
    tls: Certificate,
    options: { idleSeconds?: number; clientCa?: string; forwarded?: boolean } = {},
  ): Promise<RunningProxy> {
    const directory = this.#place();
    const log = join(directory, "error.log");
    return await this.#start("nginx", log, (port) => {
      const { idleSeconds, clientCa, forwarded = false } = options;
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (kind) => `${kind}_temp_path ${join(directory, kind)};`,
      );
      writeFileSync(
        join(directory, "nginx.conf"),
        `daemon off; pid ${join(directory, "pid")}; error_log ${log}; worker_processes 1;
        events { worker_connections 256; }
        http {
          access_log off; ${temporary.join(" ")}
          map $http_upgrade $connection_upgrade { default upgrade; '' close; }
          server {
            listen 127.0.0.1:${port} ssl;
            ssl_certificate ${tls.cert}; ssl_certificate_key ${readableByOthers(tls.key)};
            ${clientCa === undefined ? "" : `ssl_client_certificate ${clientCa}; ssl_verify_client on;`}
            location / {
              proxy_pass http://127.0.0.1:${gatewayPort};
              proxy_http_version 1.1;
              proxy_set_header Upgrade $http_upgrade;
              proxy_set_header Connection $connection_upgrade;
              proxy_set_header Host $host;
              ${forwarded ? FORWARDED : ""}
              ${idleSeconds === undefined ? "" : `proxy_read_timeout ${idleSeconds * 1000}ms;`}
            }
          }
        }\n`,
      );
      return ["-p", directory, "-e", log, "-c", join(directory, "nginx.conf")];
    });
  }

  async haproxy(gatewayPort: number, tls: Certificate, idleSeconds: number): Promise<RunningProxy> {
    const directory = this.#place();
    const pem = join(directory, "both.pem");
    writeFileSync(pem, readFileSync(tls.cert, "utf8") + readFileSync(tls.key, "utf8"), { mode: 0o600 });
    return await this.#start("haproxy", join(directory, "log"), (port) => {
      writeFileSync(
        join(directory, "haproxy.cfg"),
        `defaults
  mode http
  timeout connect 5s
  timeout client ${idleSeconds * 1000}ms
  timeout server ${idleSeconds * 1000}ms
frontend web
  bind 127.0.0.1:${port} ssl crt ${pem} alpn h2,http/1.1
  default_backend gateway
backend gateway
  server one 127.0.0.1:${gatewayPort}
`,
      );
      return ["-db", "-f", join(directory, "haproxy.cfg")];
    });
  }

  async caddy(gatewayPort: number, tls: Certificate): Promise<RunningProxy> {
    const directory = this.#place();
    return await this.#start("caddy", join(directory, "log"), (port) => {
      writeFileSync(
        join(directory, "Caddyfile"),
        `{
  admin off
  auto_https off
  storage file_system ${join(directory, "storage")}
}
https://localhost:${port} {
  bind 127.0.0.1
  tls ${tls.cert} ${readableByOthers(tls.key)}
  reverse_proxy 127.0.0.1:${gatewayPort}
}
`,
      );
      return ["run", "--config", join(directory, "Caddyfile"), "--adapter", "caddyfile"];
    });
  }

  /** Runs any program that listens on the port that `configure` is told. */
  async #start(program: string, log: string, configure: (port: number) => string[]): Promise<RunningProxy> {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const child = spawn(program, configure(port), {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH, HOME: this.directory, XDG_DATA_HOME: this.directory, XDG_CONFIG_HOME: this.directory },
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (part: string) => {
          said += part;
        });
      }
      this.#children.push(child);
      if (await answers(child, port)) {
        return { port, log: () => said + (existsSync(log) ? readFileSync(log, "utf8") : "") };
      }
      // Somebody took the port in between.
      if (attempt === 3) throw new Error(`${program} did not start: ${said}`);
    }
  }

  /** Ends them all, and removes what they left. */
  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  #place(): string {
    const directory = join(this.directory, String(this.#made++));
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    return directory;
  }
}

function squidHelper(): string {
  const found = ["/usr/lib/squid/basic_ncsa_auth", "/usr/lib64/squid/basic_ncsa_auth"].find((path) =>
    existsSync(path),
  );
  if (found === undefined) throw new Error("squid's basic_ncsa_auth is not where it is expected");
  return found;
}

async function answers(child: ChildProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (connected) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
