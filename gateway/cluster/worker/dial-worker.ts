// Brings a stream to the worker that waits for it, in the form of a host's dial-back. For streams that are
// not connections of their own, such as the channels of an upterm host.

import { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../../../protocol/limits.ts";
import { PATHS, SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import type { StreamToken } from "../../../protocol/values/token.ts";
import { zeroMask } from "../../../protocol/web-socket/web-socket-frame.ts";
import { paceWebSocket } from "../../../protocol/web-socket/web-socket-pace.ts";
import type { LinkStream } from "../../link/link.ts";
import { spliceStream } from "../../splice/splice-stream.ts";
import { socketPath } from "../socket-path.ts";

/**
 * Settles when the worker has the stream.
 * @param opening the stream, which may still be opening
 * @param slot the worker's
 * @throws what opening it throws; Error where the worker does not take it
 */
export async function dialWorker(
  opening: Promise<LinkStream>,
  slot: number,
  token: StreamToken,
  directory: string,
): Promise<void> {
  const opened = await opening;
  if (opened.kind === "web-socket") throw new Error("a host dials the worker itself");
  const { stream } = opened;
  const socket = new WebSocket(`ws+unix:${socketPath(directory, slot)}:${PATHS.stream}`, SUBPROTOCOL.raw, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    skipUTF8Validation: true,
    autoPong: false,
    maxPayload: MAX_MESSAGE_BYTES,
    generateMask: zeroMask,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => {
        // The first bytes may have come together with the answer, and nobody listens for them yet.
        socket.pause();
        paceWebSocket(socket);
        resolve();
      });
      socket.once("error", reject);
    });
  } catch (error) {
    stream.destroy();
    throw error;
  }
  // The worker that waits for it counts the bytes.
  spliceStream(socket, stream, { moved: () => undefined, ended: () => undefined });
}
