// A process that is many hosts and many companions, reduced to their protocol, so that the gateway alone is measured.
//   node idle-tunnels.ts GATEWAY TOKEN_FILE, then a count on each line of stdin: that many more tunnels are opened, left
//   alone, and answered with a line {"open":N}.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { WebSocket } from "ws";
import { openHost, openTunnel } from "./gateway-load.ts";

const TUNNELS_PER_HOST = 400;
const AT_ONCE = 32;

const [gateway = "", tokenFile = ""] = process.argv.slice(2);
const token = readFileSync(tokenFile, "utf8").trim();
const tunnels: WebSocket[] = [];
let hosts = 0;

for await (const line of createInterface(process.stdin)) {
  const wanted = tunnels.length + Number(line);
  while (hosts * TUNNELS_PER_HOST < wanted) await openHost(gateway, token, `idle-${hosts++}`);
  while (tunnels.length < wanted) {
    const [from, count] = [tunnels.length, Math.min(AT_ONCE, wanted - tunnels.length)];
    const opened = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        openTunnel(gateway, token, `idle-${Math.floor((from + i) / TUNNELS_PER_HOST)}`),
      ),
    );
    tunnels.push(...opened);
  }
  process.stdout.write(`${JSON.stringify({ open: tunnels.length })}\n`);
}
process.exit(0);
