// websocat: a WebSocket for each connection, in Rust; a tool for trying things more than a tunnel.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../../../scripts/demo/loopback.ts";
import { startListener } from "../running-process.ts";
import { connectTo, findProgram, requireProgram, type Subject } from "./subject.ts";

const BINARY = ["--binary", "-q"] as const;

export function websocat(transport: "ws" | "wss"): Subject {
  const tls = transport === "wss";
  const trusting = (authority: string) => ({ ...process.env, SSL_CERT_FILE: authority });
  return {
    name: `websocat, ${transport}`,
    program: "websocat",
    transport,
    missing: () => (findProgram("websocat") === undefined ? "no websocat on PATH" : undefined),
    version: () => spawnSync(requireProgram("websocat"), ["--version"], { encoding: "utf8" }).stdout.trim(),
    async start({ directory: cwd, certificate, target, listen, reach }) {
      const path = requireProgram("websocat");
      const [port, local] = [await freePort(), await freePort()];
      const keys = tls ? ["--pkcs12-der", certificate.pkcs12File, "--pkcs12-passwd", "bench"] : [];
      const source = `${tls ? "ws-u:ssl-l" : "ws-l"}:${listen}:${port}`;
      const server = await startListener(
        [path, ...BINARY, ...keys, source, `tcp:127.0.0.1:${target}`],
        port,
        {
          cwd,
          logFile: join(cwd, "server.log"),
        },
      );
      const near = await startListener(
        [path, ...BINARY, `tcp-l:127.0.0.1:${local}`, `${transport}://${reach}:${port}/`],
        local,
        { cwd, logFile: join(cwd, "client.log"), env: trusting(certificate.authority) },
      ).catch(async (error: unknown) => {
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
    dial: (port, { certificate }) => ({
      command: [requireProgram("websocat"), ...BINARY, "-", `${transport}://127.0.0.1:${port}/`],
      env: trusting(certificate.authority),
    }),
  };
}
