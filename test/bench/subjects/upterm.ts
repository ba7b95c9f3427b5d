// upterm: a relay (uptermd) between a host's SSH server, which dials out, and a person's own `ssh -L`: the same hops as
// Sallyport has. No registry has its programs ready: UPTERM= names the one, and its daemon lies beside it or on PATH.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { freePort } from "../../support/loopback.ts";
import { findProgram as find } from "../../support/programs/find-program.ts";
import { lastLines } from "../../support/programs/program.ts";
import { writeClientConfig } from "../openssh-server.ts";
import { type RunningProcess, startListener, startProcess } from "../running-process.ts";
import { portForward } from "./port-forward.ts";
import { findProgram, type Place, type Subject } from "./subject.ts";

const READY_MS = 20_000;

export function upterm(transport: "ssh" | "ws"): Subject {
  return {
    name: `upterm, ${transport}`,
    program: "upterm",
    transport,
    missing: () => {
      const found = programs();
      return typeof found === "string" ? found : undefined;
    },
    version: () => execFileSync(requirePrograms().upterm, ["version"], { encoding: "utf8" }).trim(),
    async start(place) {
      const { directory: cwd, listen, reach, target } = place;
      const { upterm, uptermd } = requirePrograms();
      for (const name of ["daemon", "host", "person"])
        execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(cwd, name)]);
      const [ssh, ws, local] = [await freePort(), await freePort(), await freePort()];
      const addresses = ["--ssh-addr", `${listen}:${ssh}`, "--ws-addr", `${listen}:${ws}`];
      const daemon = await startListener(
        [uptermd, ...addresses, "--node-addr", `127.0.0.1:${ssh}`, "--private-key", join(cwd, "daemon")],
        ssh,
        { cwd, logFile: join(cwd, "daemon.log"), env: environment(cwd) },
      );
      const port = transport === "ssh" ? ssh : ws;
      const { host, session } = await share(upterm, `${transport}://127.0.0.1:${port}`, place).catch(
        async (error: unknown) => {
          await daemon.stop();
          throw error;
        },
      );
      const relay = {
        pid: daemon.pid,
        stop: async () => {
          await host.stop();
          await daemon.stop();
        },
      };
      const key = join(cwd, "person");
      const hostKey = `${join(cwd, "daemon")}.pub`;
      const config = writeClientConfig(cwd, { name: "shared", reach, port, user: session, hostKey, key });
      const proxy = ["-o", `ProxyCommand=${upterm} proxy ws://${session}@${reach}:${port}`];
      const forward = ["-N", "-L", `127.0.0.1:${local}:127.0.0.1:${target}`, "shared"];
      const command = ["ssh", "-F", config, ...(transport === "ws" ? proxy : []), ...forward] as const;
      const running = await portForward(relay, { command, port: local, env: environment(cwd) }, cwd);
      return { ...running, pids: () => [...running.pids(), host.pid] };
    },
  };
}

/** A session that admits one key and asks nobody, and what ssh's user is in it. @throws Error with the end of its log */
async function share(
  program: string,
  server: string,
  { directory: cwd }: Place,
): Promise<{ host: RunningProcess; session: string }> {
  const knownHosts = join(cwd, "daemon_known_hosts");
  const { host: address } = new URL(server);
  // The daemon shows its key in a certificate that it has signed itself.
  const pattern = `@cert-authority [${address.replace(":", "]:")}`;
  writeFileSync(knownHosts, `${pattern} ${readFileSync(join(cwd, "daemon.pub"), "utf8")}`);
  const logFile = join(cwd, "host.log");
  const keys = ["--private-key", join(cwd, "host"), "--authorized-keys", join(cwd, "person.pub")];
  const flags = ["--accept", "--allow-local-tcp-forwarding", "--server", server, "--known-hosts", knownHosts];
  const host = await startProcess([program, "host", ...flags, ...keys, "--", "sleep", "86400"], {
    cwd,
    logFile,
    env: environment(cwd),
  });
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline && host.child.exitCode === null; ) {
    // It ends what it says with the commands to join by, all of which have the user: an id, and the node that has it.
    const [, session] = /^Session: .*?[ /](\w+:[\w=]+)@/ms.exec(readFileSync(logFile, "utf8")) ?? [];
    if (session !== undefined) return { host, session };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await host.stop();
  throw new Error(`${program} host shares nothing:\n${lastLines(logFile)}`);
}

/** Nothing of the person's own, and no proxy. */
function environment(directory: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: directory,
    XDG_RUNTIME_DIR: directory,
    XDG_STATE_HOME: directory,
    XDG_CONFIG_HOME: directory,
  };
}

/** Or why they cannot be run. */
function programs(): { upterm: string; uptermd: string } | string {
  const given = process.env.UPTERM ?? "";
  if (given === "") return "no binary given by UPTERM=";
  const upterm = find(basename(given), [dirname(given)]);
  if (upterm === undefined) return `UPTERM= gives ${given}, which cannot be run`;
  const uptermd = find("uptermd", [dirname(given)]);
  if (uptermd === undefined) return `no uptermd on PATH or beside ${given}`;
  return findProgram("ssh") === undefined ? "no ssh on PATH" : { upterm, uptermd };
}

function requirePrograms(): { upterm: string; uptermd: string } {
  const found = programs();
  if (typeof found === "string") throw new Error(found);
  return found;
}
