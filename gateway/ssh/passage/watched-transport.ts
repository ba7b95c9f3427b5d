// Wraps a connection's transport so that the gateway sees each message to the client: it can count it, and
// keep it back.

import type { PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";

interface Watch {
  /** Called before a message is sent. false: it is not sent. */
  passes(payload: Uint8Array): boolean;
  /** Called after a message was sent. `bytes` is the size of the whole message. */
  sent(payload: Uint8Array, bytes: number): void;
}

/**
 * `watch` gets the first part of each message: at least its number, and all of it if it was sent in one
 * piece.
 */
export function watchedTransport(transport: PacketTransport, watch: Watch): PacketTransport {
  return {
    get writable() {
      return transport.writable;
    },
    get exchangingKeys() {
      return transport.exchangingKeys;
    },
    get bytesSinceKeyExchange() {
      return transport.bytesSinceKeyExchange;
    },
    get waitingBytes() {
      return transport.waitingBytes;
    },
    get received() {
      return transport.received;
    },
    get nextSent() {
      return transport.nextSent;
    },
    send(...parts) {
      const [head] = parts;
      if (head === undefined || !watch.passes(head)) return;
      transport.send(...parts);
      watch.sent(
        head,
        parts.reduce((sum, part) => sum + part.length, 0),
      );
    },
    pause: () => transport.pause(),
    resume: () => transport.resume(),
    disconnect: (reason, description) => transport.disconnect(reason, description),
    destroy: () => transport.destroy(),
    rekey: () => transport.rekey(),
  };
}
