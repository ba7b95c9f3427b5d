// wstunnel: one WebSocket per connection, as Sallyport has it, in Rust.

import { join } from "node:path";
import { freePort } from "../../support/loopback.ts";
import { startListener } from "../running-process.ts";
import { ofProgram, portForward } from "./port-forward.ts";
import { requireProgram, type Subject } from "./subject.ts";

const QUIET = ["--log-lvl", "OFF"] as const;

export function wstunnel(transport: "ws" | "wss"): Subject {
  const url = (host: string, port: number) => `${transport}://${host}:${port}`;
  return {
    name: `wstunnel, ${transport}`,
    ...ofProgram("wstunnel"),
    transport,
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
      const command = [path, "client", ...QUIET, ...forward, url(reach, port)] as const;
      return await portForward(server, { command, port: local }, cwd);
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
