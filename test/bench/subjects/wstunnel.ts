// wstunnel: one WebSocket a connection, as Sallyport has it, in Rust.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../../../scripts/demo/loopback.ts";
import { startListener } from "../running-process.ts";
import { connectTo, findProgram, requireProgram, type Subject } from "./subject.ts";

const QUIET = ["--log-lvl", "OFF"] as const;

export function wstunnel(transport: "ws" | "wss"): Subject {
  const url = (host: string, port: number) => `${transport}://${host}:${port}`;
  return {
    name: `wstunnel, ${transport}`,
    program: "wstunnel",
    transport,
    missing: () => (findProgram("wstunnel") === undefined ? "no wstunnel on PATH" : undefined),
    version: () => spawnSync(requireProgram("wstunnel"), ["--version"], { encoding: "utf8" }).stdout.trim(),
    async start({ directory: cwd, certificate, target, listen, reach }) {
      const path = requireProgram("wstunnel");
      const [port, local] = [await freePort(), await freePort()];
      const keys =
        transport === "wss"
          ? ["--tls-certificate", certificate.certFile, "--tls-private-key", certificate.keyFile]
          : [];
      const server = await startListener([path, "server", ...QUIET, ...keys, url(listen, port)], port, {
        cwd,
        logFile: join(cwd, "server.log"),
      });
      const forward = ["-L", `tcp://127.0.0.1:${local}:127.0.0.1:${target}`];
      const near = await startListener([path, "client", ...QUIET, ...forward, url(reach, port)], local, {
        cwd,
        logFile: join(cwd, "client.log"),
      }).catch(async (error: unknown) => {
        await server.stop();
        throw error;
      });
      return {
        connect: () => connectTo(local),
        pids: () => [near.pid, server.pid],
        serverPids: () => [server.pid],
        stop: async () => {
          await near.stop();
          await server.stop();
        },
      };
    },
    dial: (port) => ({
      command: [
        requireProgram("wstunnel"),
        "client",
        ...QUIET,
        "-L",
        "stdio://127.0.0.1:9",
        url("127.0.0.1", port),
      ],
    }),
  };
}
