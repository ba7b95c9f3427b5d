// An OpenSSH sshd of our own on a loopback port: what the tunnel is compared with.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort, listening } from "../support/loopback.ts";
import { endWithUs } from "./running-process.ts";

const SSHD = "/usr/sbin/sshd";

export interface OpenSshServer {
  readonly pid: number;
  /** The server is `Host sshd` in it. */
  readonly sshConfig: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface OpenSshServerSetup {
  readonly listen?: string;
  readonly reach?: string;
  /** More lines of sshd_config(5). */
  readonly settings?: readonly string[];
}

/** undefined where sshd is not installed (Debian: openssh-server). Lets in the key in `directory`/id_ed25519. */
export async function startOpenSshServer(
  directory: string,
  { listen = "127.0.0.1", reach = "127.0.0.1", settings = [] }: OpenSshServerSetup = {},
): Promise<OpenSshServer | undefined> {
  if (!existsSync(SSHD)) return undefined;
  const port = await freePort();
  const hostKey = join(directory, "sshd_host_key");
  const key = join(directory, "id_ed25519");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
  const config = join(directory, "sshd_config");
  writeFileSync(
    config,
    [
      `Port ${port}`,
      `ListenAddress ${listen}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${key}.pub`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PermitRootLogin prohibit-password",
      "Subsystem sftp internal-sftp",
      ...settings,
      "",
    ].join("\n"),
  );
  // Debian makes it when its own service starts, which need not be the case here.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child = spawn(SSHD, ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "ignore"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await listening(port, AbortSignal.timeout(10_000));
  const { pid } = child;
  if (pid === undefined) throw new Error("sshd did not start");
  endWithUs({ pid, exited: gone });
  return {
    pid,
    port,
    sshConfig: writeClientConfig(directory, {
      name: "sshd",
      reach,
      port,
      user: userInfo().username,
      hostKey: `${hostKey}.pub`,
      key,
    }),
    stop: async () => {
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** An ssh config in which `name` is one server, with its key pinned and one key to sign in; returns its path. */
export function writeClientConfig(
  directory: string,
  server: {
    readonly name: string;
    readonly reach: string;
    readonly port: number;
    readonly user: string;
    /** Files: the server's public key, and the private one that opens it. */
    readonly hostKey: string;
    readonly key: string;
  },
): string {
  const { name, reach, port, user, hostKey, key } = server;
  const knownHosts = join(directory, `${name}_known_hosts`);
  writeFileSync(knownHosts, `${name} ${readFileSync(hostKey, "utf8")}`);
  const path = join(directory, `${name}_client_config`);
  writeFileSync(
    path,
    [
      `Host ${name}`,
      `  HostName ${reach}`,
      `  Port ${port}`,
      `  User ${user}`,
      `  IdentityFile ${key}`,
      "  IdentitiesOnly yes",
      `  HostKeyAlias ${name}`,
      `  UserKnownHostsFile ${knownHosts}`,
      "  GlobalKnownHostsFile /dev/null",
      "  StrictHostKeyChecking yes",
      "  ControlPath none",
      "",
    ].join("\n"),
  );
  return path;
}
