// websocat: one WebSocket per connection, in Rust; it is a tool for trying things rather than a tunnel.

import { join } from "node:path";
import { freePort } from "../../support/loopback.ts";
import { startListener } from "../running-process.ts";
import { ofProgram, portForward } from "./port-forward.ts";
import { requireProgram, type Subject } from "./subject.ts";

const BINARY = ["--binary", "-q"] as const;

export function websocat(transport: "ws" | "wss"): Subject {
  const tls = transport === "wss";
  const trusting = (authority: string) => ({ ...process.env, SSL_CERT_FILE: authority });
  return {
    name: `websocat, ${transport}`,
    ...ofProgram("websocat"),
    transport,
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
      const command = [
        path,
        ...BINARY,
        `tcp-l:127.0.0.1:${local}`,
        `${transport}://${reach}:${port}/`,
      ] as const;
      return await portForward(server, { command, port: local, env: trusting(certificate.authority) }, cwd);
    },
    dial: (port, { certificate }) => ({
      command: [requireProgram("websocat"), ...BINARY, "-", `${transport}://127.0.0.1:${port}/`],
      env: trusting(certificate.authority),
    }),
  };
}
