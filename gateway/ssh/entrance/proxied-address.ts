// Reads the PROXY header off a connection of a trusted proxy, and leaves what follows it to be read by SSH.

import type { Socket } from "node:net";
import { plainAddress } from "../../address.ts";
import { parseProxyHeader } from "./proxy-protocol.ts";

/**
 * Calls `done` once: with the address that the proxy named, with null where it speaks for itself, or with undefined where
 * it sends no header in time or leaves; the socket is then the caller's to close. The socket is paused afterwards.
 * @param timeout in ms
 */
export function readProxiedAddress(
  socket: Socket,
  timeout: number,
  done: (address: string | null | undefined) => void,
): void {
  let bytes = Buffer.alloc(0);
  const finish = (address: string | null | undefined, rest?: Buffer): void => {
    clearTimeout(timer);
    socket.off("data", onData);
    socket.off("close", onClose);
    socket.pause();
    if (rest !== undefined && rest.length > 0) socket.unshift(rest);
    done(address);
  };
  const onClose = (): void => finish(undefined);
  const onData = (chunk: Buffer): void => {
    // The header is bounded and parsed as it comes; what does not parse ends it.
    bytes = Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes);
    if (header.kind === "invalid") finish(undefined);
    else if (header.kind === "header") {
      const address = header.address === null ? null : plainAddress(header.address);
      finish(address, bytes.subarray(header.length));
    }
  };
  const timer = setTimeout(() => finish(undefined), timeout);
  socket.on("data", onData);
  socket.once("close", onClose);
  socket.resume();
}
