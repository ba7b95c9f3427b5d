// Reads the PROXY header of a connection from a trusted proxy, and leaves the bytes behind it for SSH.

import type { Socket } from "node:net";
import { plainAddress } from "../../address.ts";
import { parseProxyHeader } from "./proxy-protocol.ts";

/**
 * Pauses the socket and calls `done` once: with the address that the proxy named, with null if it connects
 * for itself, or with undefined if it sends no valid header in time. In the last case the caller closes the
 * socket.
 */
export function readProxiedAddress(
  socket: Socket,
  timeoutMs: number,
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
    // The header is bounded, so parsing it again with each chunk is cheap.
    bytes = Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes);
    if (header.kind === "invalid") finish(undefined);
    else if (header.kind === "header") {
      const address = header.address === null ? null : plainAddress(header.address);
      finish(address, bytes.subarray(header.length));
    }
  };
  const timer = setTimeout(() => finish(undefined), timeoutMs);
  socket.on("data", onData);
  socket.once("close", onClose);
  socket.resume();
}
