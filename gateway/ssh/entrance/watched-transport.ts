// A connection's packets as the parts above it see them, with what the gateway itself has to see of them: that something
// moved, and each message on its way to the client.

import type { PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";

export interface Watch {
  /** Before a message is sent: false keeps it from the client. */
  passes(payload: Uint8Array): boolean;
  /** After it was sent; `bytes` is the whole message's size. */
  sent(payload: Uint8Array, bytes: number): void;
}

/** `watch` sees the first part of each message: its number and, where it came in one piece, all of it. */
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
