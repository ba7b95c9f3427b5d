// A host and a companion reduced to their protocol, so that one process can be a thousand of each.

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { WebSocket } from "ws";
import {
  CONTROL_VERSION,
  type HostMessage,
  parseGatewayMessage,
  registrationPayload,
} from "../../../protocol/control.ts";
import {
  PATHS,
  parseGatewayUrl,
  SUBPROTOCOL,
  WORKSPACE_HEADER,
  webSocketUrl,
} from "../../../protocol/values/gateway-url.ts";
import { zeroMask } from "../../../protocol/web-socket/web-socket-frame.ts";

/** Registers a workspace; every stream that the gateway asks for is dialled back and left to `onStream`. */
export async function openHost(
  gateway: string,
  token: string,
  name: string,
  onStream: (stream: WebSocket) => void = () => undefined,
): Promise<WebSocket> {
  const key = generateKeyPairSync("ed25519");
  const socket = dial(gateway, PATHS.link, SUBPROTOCOL.control, token);
  const send = (message: HostMessage) => socket.send(JSON.stringify(message));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", (code, reason) => reject(new Error(`${name} was closed with ${code} ${reason}`)));
    socket.on("message", (data) => {
      const message = parseGatewayMessage(String(data));
      if (message.type === "challenge") send(register(message, name, key));
      else if (message.type === "registered") resolve(socket);
      else if (message.type === "open")
        onStream(dial(gateway, PATHS.stream, SUBPROTOCOL.raw, message.stream).on("error", reject));
      else if (message.type === "ping") send({ type: "pong" });
      else if (message.type === "error") reject(new Error(`${name}: ${message.code} ${message.message}`));
    });
  });
}

/** Opens a tunnel to a workspace and says nothing in it. */
export function openTunnel(gateway: string, token: string, workspace: string): Promise<WebSocket> {
  const socket = dial(gateway, PATHS.tunnel, SUBPROTOCOL.raw, token, { [WORKSPACE_HEADER]: workspace });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("open", () => resolve(socket));
  });
}

function dial(
  gateway: string,
  path: string,
  subprotocol: string,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): WebSocket {
  return new WebSocket(webSocketUrl(parseGatewayUrl(gateway), path), subprotocol, {
    perMessageDeflate: false,
    // As host and companion do on this machine and over TLS.
    generateMask: zeroMask,
    headers: { ...headers, Authorization: `Bearer ${token}` },
  });
}

function register(
  challenge: { nonce: string; gatewayKeys: string[] },
  name: string,
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
): HostMessage {
  const payload = registrationPayload(challenge.nonce, challenge.gatewayKeys[0] ?? "");
  return {
    type: "register",
    version: CONTROL_VERSION,
    name,
    workspaceId: null,
    hostKeys: [`ssh-ed25519 ${sshBlob(publicKey).toString("base64")}`],
    signature: sign(null, payload, privateKey).toString("base64"),
    agent: "bench",
    endToEndOnly: false,
    ownerTokens: false,
  };
}

/** RFC 8709 §4: string "ssh-ed25519", string key. The key is the end of its SubjectPublicKeyInfo. */
function sshBlob(publicKey: KeyObject): Buffer {
  const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    key,
  ]);
}
