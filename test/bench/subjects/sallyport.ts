// Sallyport as it is built: the companion and the gateway from dist/, and the host's link. Twice as many hops as the
// peers have: both the companion and the host dial out to the gateway.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Type } from "typebox";
import manifest from "../../../package.json" with { type: "json" };
import { CLI, ROOT } from "../../../scripts/repository.ts";
import { type Program, startProgram } from "../../support/programs/program.ts";
import { type Gateway, personEnvironment, startGateway } from "../../support/stack.ts";
import type { Connection } from "../load/traffic.ts";
import { endWithUs, type RunningProcess, startProcess } from "../running-process.ts";
import { connectTo, type Place, type Subject } from "./subject.ts";

const HOST_SOURCE = fileURLToPath(new URL("sallyport-host-entry.ts", import.meta.url));
/** Below node_modules, so that what stays a dependency is found from there. */
const HOST = join(ROOT, "node_modules", ".cache", "sallyport-bench", "host.cjs");
const WORKSPACE = "bench";

const Listening = Type.Object({ event: Type.Literal("ready"), listen: Type.String() });
const Registered = Type.Object({ event: Type.Literal("ready") });

export interface SallyportOptions {
  readonly transport: "ws" | "wss";
  /** What the companion and the host agree on inside the WebSocket. */
  readonly protocol: "raw" | "resume";
  /** A local port, as peers have it, or ssh's ProxyCommand on a pair of pipes, which is what people use. */
  readonly entry: "port" | "stdio";
}

export function sallyport({ transport, protocol, entry }: SallyportOptions): Subject {
  const how = entry === "stdio" ? `${transport}, ${protocol}, stdio` : `${transport}, ${protocol}`;
  return {
    name: `sallyport, ${how}`,
    program: "sallyport",
    transport,
    missing: () => undefined,
    version: () => `${manifest.version} on Node ${process.versions.node}`,
    ...(entry === "stdio" ? { processPerConnection: true } : {}),
    async start(place) {
      const { directory, target } = place;
      await buildHost();
      const { gateway, env, url } = await openGateway(place, transport);
      const started: { stop(): Promise<void> }[] = [gateway.program];
      const stop = async () => {
        for (const { stop } of started.toReversed()) await stop();
      };
      try {
        const host = await startProgram({
          name: "the host",
          command: [
            process.execPath,
            HOST,
            url(`127.0.0.1`),
            WORKSPACE,
            gateway.tokenFile,
            join(directory, "host"),
            String(target),
            protocol,
          ],
          env,
          cwd: directory,
          logFile: join(directory, "host.log"),
          schema: Registered,
        });
        endWithUs(host);
        started.push(host);
        const companion = [process.execPath, CLI, "tunnel", url(place.reach), WORKSPACE] as const;
        const signedIn = { ...env, SALLYPORT_GATEWAY: url(place.reach) };
        if (entry === "stdio") {
          const companions = new Set<RunningProcess>();
          return {
            connect: () => overPipes(companion, { directory, env: signedIn, companions }),
            pids: () => [gateway.program.pid, host.pid, ...[...companions].map(({ pid }) => pid)],
            serverPids: () => [gateway.program.pid],
            stop,
          };
        }
        const near: Program<{ listen: string }> = await startProgram({
          name: "the companion",
          command: [...companion, "--listen", "127.0.0.1:0", "--json"],
          env: signedIn,
          cwd: directory,
          logFile: join(directory, "companion.log"),
          schema: Listening,
        });
        endWithUs(near);
        started.push(near);
        const port = Number(near.ready.listen.split(":").at(-1));
        return {
          connect: () => connectTo(port),
          pids: () => [near.pid, gateway.program.pid, host.pid],
          serverPids: () => [gateway.program.pid],
          idleLoad: { gateway: url("127.0.0.1"), tokenFile: gateway.tokenFile },
          stop,
        };
      } catch (error) {
        await stop();
        throw error;
      }
    },
    dial: (port, { directory, certificate }) => ({
      command: [process.execPath, CLI, "tunnel", loopbackUrl(transport, port), WORKSPACE],
      env: {
        ...personEnvironment(directory),
        HOME: directory,
        XDG_CACHE_HOME: join(directory, "cache"),
        SALLYPORT_TOKEN_FILE: join(directory, "token"),
        SALLYPORT_GATEWAY: loopbackUrl(transport, port),
        NODE_EXTRA_CA_CERTS: certificate.authority,
      },
    }),
  };
}

/** As `sallyport host` is shipped: bundled. From its sources it would carry the code that strips their types. */
async function buildHost(): Promise<void> {
  await build({
    entryPoints: [HOST_SOURCE],
    outfile: HOST,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: Object.keys(manifest.dependencies),
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
    // No proxy is found by a script here.
    logOverride: { "empty-import-meta": "silent" },
  });
}

/** A gateway of this place, and the environment of the host and of a person who may use it. */
async function openGateway(
  { directory, listen, certificate }: Place,
  transport: "ws" | "wss",
): Promise<{ gateway: Gateway; env: NodeJS.ProcessEnv; url(host: string): string }> {
  const keys = ["--tls-cert", certificate.certFile, "--tls-key", certificate.keyFile];
  const gateway = await startGateway({
    directory,
    gatewayArgs: [
      "--http",
      `${listen}:0`,
      "--log-level",
      "warn",
      "--max-streams",
      "40000",
      ...(transport === "wss" ? keys : []),
    ],
  });
  endWithUs(gateway.program);
  const env = {
    ...personEnvironment(directory),
    SALLYPORT_TOKEN_FILE: gateway.tokenFile,
    NODE_EXTRA_CA_CERTS: certificate.authority,
  };
  const { protocol, port } = new URL(gateway.url);
  return { gateway, env, url: (host) => `${protocol}//${host}:${port}` };
}

function loopbackUrl(transport: "ws" | "wss", port: number): string {
  return `${transport === "wss" ? "https" : "http"}://127.0.0.1:${port}`;
}

/**
 * A companion on real pipes, as ssh gives them to a ProxyCommand (Node's own would be sockets, which behave otherwise).
 * They are opened for reading and writing at first, so that no open() waits for the other side.
 */
async function overPipes(
  command: readonly [string, ...string[]],
  {
    directory,
    env,
    companions,
  }: { directory: string; env: NodeJS.ProcessEnv; companions: Set<RunningProcess> },
): Promise<Connection> {
  const fifos = [join(directory, "to-companion"), join(directory, "from-companion")] as const;
  for (const fifo of fifos) execFileSync("mkfifo", ["-m", "600", fifo]);
  const both = fifos.map((fifo) => openSync(fifo, constants.O_RDWR));
  const [toRead, toWrite] = [openSync(fifos[0], constants.O_RDONLY), openSync(fifos[1], constants.O_WRONLY)];
  const input = new Socket({ fd: openSync(fifos[0], constants.O_WRONLY), readable: false, writable: true });
  const output = new Socket({ fd: openSync(fifos[1], constants.O_RDONLY), readable: true, writable: false });
  execFileSync("rm", [...fifos]);
  const logFile = join(directory, "companion.log");
  const running = await startProcess(command, { env, cwd: directory, logFile, stdio: [toRead, toWrite] });
  for (const fd of [toRead, toWrite, ...both]) closeSync(fd);
  companions.add(running);
  input.on("error", () => undefined); // The companion may end first.
  return {
    input,
    output,
    close: async () => {
      input.destroy();
      output.destroy();
      await running.stop();
      companions.delete(running);
    },
  };
}
