// A peer that sends small messages at a bounded rate, as a process of its own: what it costs to send must not be
// counted as what it costs to receive. Arguments: URL of the gateway, kind, bytes per second, workspace name, state
// directory; the token, if any, comes in SALLYPORT_TOKEN. Prints "ready" and begins with the first line of its input;
// prints "closed CODE" when the gateway ends it.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { dialTunnel } from "../../../agent/client/tunnel/tunnel.ts";
import { loadIdentity } from "../../../agent/host/identity.ts";
import { dialWebSocket } from "../../../agent/platform/network/dial-web-socket.ts";
import { parseGatewayMessage, registrationPayload } from "../../../protocol/control.ts";
import { encodeFrame, FRAME } from "../../../protocol/resume/frame.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../protocol/resume/responder.ts";
import { PATHS, parseGatewayUrl, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { formatPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { partsOf } from "../../../protocol/web-socket/web-socket-private.ts";
import { frame } from "./frames.ts";

const [url = "", kind = "", rate = "", name = "", state = ""] = process.argv.slice(2);
const gateway = parseGatewayUrl(url);
const token = process.env.SALLYPORT_TOKEN || undefined;
const signal = AbortSignal.timeout(120_000);
/** Written at once: what a sender of single frames has gathered by the time that the network takes it. */
const PER_SECOND = 25;
const responder = new Responder({ budget: new ByteBudget(1 << 20) });

/** A control connection by hand, registered; dial-backs read what comes and say nothing. */
async function registered(): Promise<{ socket: WebSocket; workspace: string }> {
  const identity = await loadIdentity(state);
  const socket = await dialWebSocket({
    gateway,
    path: PATHS.link,
    subprotocols: [SUBPROTOCOL.control],
    token,
    signal,
  });
  const workspace = new Promise<string>((resolve) => {
    socket.on("message", (data) => {
      const message = parseGatewayMessage(String(data));
      if (message.type === "challenge") {
        const payload = registrationPayload(message.nonce, message.gatewayKeys[0] ?? "");
        socket.send(
          JSON.stringify({
            type: "register",
            version: 1,
            name,
            workspaceId: null,
            hostKeys: [formatPublicKey({ ...identity.publicKey, comment: "" })],
            signature: identity.sign(payload).toString("base64"),
            agent: "flooder",
            endToEndOnly: false,
            ownerTokens: false,
          }),
        );
      } else if (message.type === "registered") {
        resolve(message.workspace.id);
      } else if (message.type === "open") {
        const subprotocols = [message.resume === true ? SUBPROTOCOL.resume : SUBPROTOCOL.raw];
        void dialWebSocket({ gateway, path: PATHS.stream, subprotocols, token: message.stream, signal }).then(
          (stream) => {
            stream.on("error", () => undefined);
            if (message.resume !== true) stream.resume();
            else responder.accept(stream, "", () => void ask(stream));
          },
        );
      }
    });
  });
  socket.resume();
  return { socket, workspace: await workspace };
}

/** Asks on a resumable stream, `rate` bytes in all, and reads no answer. */
async function ask(stream: WebSocket): Promise<void> {
  // Behind the answer to the greeting.
  await delay(100);
  stream.pause();
  const ping = frame(0x82, encodeFrame(FRAME.ping, 0, 0));
  const burst = Buffer.concat(new Array<Buffer>(10_000).fill(ping));
  const wire = wireOf(stream);
  const closed = once(stream, "close");
  for (let sent = 0; sent < Number(rate) && wire.writable; sent += burst.length) {
    if (!wire.write(burst)) await Promise.race([once(wire, "drain"), closed]);
  }
  process.stdout.write("sent\n");
}

/** What is below a WebSocket: frames by hand cost next to nothing to send. */
function wireOf(socket: WebSocket): Duplex {
  const parts = partsOf(socket);
  if (parts === undefined) throw new Error("this WebSocket has no socket");
  return parts.socket;
}

/** Writes `message` again and again below the WebSocket, `rate` bytes per second as long as they are taken. */
async function flood(socket: WebSocket, message: Buffer): Promise<void> {
  let isOpen = true;
  const closed = once(socket, "close");
  socket.on("error", () => undefined);
  socket.on("close", (code: number) => {
    isOpen = false;
    process.stdout.write(`closed ${code}\n`);
  });
  const wire = wireOf(socket);
  const count = Math.ceil(Number(rate) / PER_SECOND / message.length);
  const burst = Buffer.concat(new Array<Buffer>(count).fill(message));
  // All of them begin at once, when all are connected.
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  process.stdin.destroy();
  const began = performance.now();
  for (let sent = 0; isOpen; sent++) {
    const early = began + (sent * 1000) / PER_SECOND - performance.now();
    if (early > 0) await delay(early);
    // The gateway may have hung up a moment before this process knows.
    if (!wire.writable) break;
    if (!wire.write(burst)) await Promise.race([once(wire, "drain"), closed]);
  }
}

const { socket, workspace } = await registered();
if (kind === "resume-pings") process.stdout.write("ready\n");
else if (kind === "pings") await flood(socket, frame(0x81, JSON.stringify({ type: "ping" })));
else {
  const target = { gateway, workspace: parseWorkspaceRef(workspace), token };
  const tunnel = await dialTunnel(target, [SUBPROTOCOL.raw], signal);
  tunnel.resume();
  if (kind === "frames") await flood(tunnel, frame(0x82, "x"));
  else if (kind === "masked-frames") await flood(tunnel, frame(0x82, "x", 0x01020304));
  else if (kind === "web-socket-pings") await flood(tunnel, frame(0x89, ""));
  else throw new Error(`no such flood: ${kind}`);
}
// A host without its control connection would be gone, and its streams with it.
await once(process, "SIGTERM");
