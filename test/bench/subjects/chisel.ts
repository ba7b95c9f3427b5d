// chisel: SSH in one WebSocket for all connections of a client. It encrypts inside TLS as well.

import { join } from "node:path";
import { freePort } from "../../support/loopback.ts";
import { startListener } from "../running-process.ts";
import { ofProgram, portForward } from "./port-forward.ts";
import { type Place, requireProgram, type Subject } from "./subject.ts";

export function chisel(transport: "ws" | "wss"): Subject {
  const tls = transport === "wss";
  const client = (path: string, url: string, place: Place, forward: string) =>
    [path, "client", ...(tls ? ["--tls-ca", place.certificate.authority] : []), url, forward] as const;
  const url = (host: string, port: number) => `${tls ? "https" : "http"}://${host}:${port}`;
  return {
    name: `chisel, ${transport}`,
    ...ofProgram("chisel"),
    transport,
    async start(place) {
      const path = requireProgram("chisel");
      const { directory: cwd, certificate } = place;
      const [port, local] = [await freePort(), await freePort()];
      const keys = tls ? ["--tls-cert", certificate.certFile, "--tls-key", certificate.keyFile] : [];
      const server = await startListener(
        [path, "server", "--host", place.listen, "--port", String(port), ...keys],
        port,
        { cwd, logFile: join(cwd, "server.log") },
      );
      const forward = `127.0.0.1:${local}:127.0.0.1:${place.target}`;
      const command = client(path, url(place.reach, port), place, forward);
      return await portForward(server, { command, port: local }, cwd);
    },
    dial: (port, place) => ({
      command: client(requireProgram("chisel"), url("127.0.0.1", port), place, "127.0.0.1:0:127.0.0.1:9"),
    }),
  };
}
