// Stands in for `sallyport host`: its real link to the gateway, with a port forward to the target where the workspace's
// SSH server would be. Peers have no SSH server behind their tunnel either. Its first line of output is JSON.
//   node sallyport-host.ts GATEWAY NAME TOKEN_FILE STATE_DIRECTORY TARGET_PORT raw|resume

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { pipeline } from "node:stream";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { holdLink } from "../../../agent/host/link/link.ts";
import { createLog } from "../../../agent/platform/log.ts";
import { networkFrom } from "../../../agent/platform/network/configured-network.ts";
import { PROCESS_BYTES } from "../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../protocol/resume/responder.ts";
import { parseGatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { parseName } from "../../../protocol/values/name.ts";

const [gateway, name, tokenFile = "", state = "", port, protocol] = process.argv.slice(2);
const ending = new AbortController();
process.once("SIGTERM", () => ending.abort());

// No top-level await: the bundle is CommonJS, as dist/ is.
async function main(): Promise<void> {
  await holdLink(
    {
      gateway: parseGatewayUrl(gateway),
      token: async () => readFileSync(tokenFile, "utf8").trim(),
      identity: await loadIdentity(state),
      name: parseName(name),
      endToEndOnly: false,
      ownerTokens: false,
      agent: "bench",
      log: createLog({ level: "info", write: (line) => process.stderr.write(line) }),
      onRegistered: ({ workspace }) => {
        process.stdout.write(`${JSON.stringify({ event: "ready", workspace })}\n`);
      },
      network: networkFrom(process.env),
      onKeys: () => undefined,
      onGatewayKeys: () => undefined,
      ...(protocol === "raw" ? {} : { responder: new Responder({ budget: new ByteBudget(PROCESS_BYTES) }) }),
      onStream: (stream) => {
        const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
        // Either end that goes takes the other one along; what it says is of no interest here.
        pipeline(stream, socket, stream, () => socket.destroy());
      },
    },
    ending.signal,
  );
  process.exit(0);
}

void main();
