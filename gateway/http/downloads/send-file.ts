// Sends one file of the release, or a part of it. A download holds a slot, a descriptor and little memory, and a client that
// takes next to nothing is cut, so that strangers cannot hold what others need.

import type { FastifyReply, FastifyRequest } from "fastify";
import { ProtocolError } from "../../../protocol/errors.ts";
import { FairSlots } from "../../../protocol/flow/fair-slots.ts";
import { addressBlock } from "../../../protocol/values/address-block.ts";
import { perWorker } from "../../cluster/per-worker.ts";
import { RateLimited } from "../sign-in-throttle.ts";
import { partFor } from "./conditional.ts";
import type { OpenFile } from "./release-directory.ts";

export interface DownloadLimits {
  /** Downloads at a time. One address may have as many as it leaves free, and at most `perAddress`. */
  readonly total: number;
  readonly perAddress: number;
  /** A download that moves fewer bytes than this in a window is cut. */
  readonly leastBytes: number;
  readonly windowMs: number;
}

/** 4 KiB/s: at that, a program of 42 MB takes three hours. */
export const DOWNLOAD_LIMITS: DownloadLimits = {
  total: 512,
  perAddress: 128,
  leastBytes: 240 * 1024,
  windowMs: 60_000,
};

/** What is read ahead of a client. */
const CHUNK_BYTES = 64 * 1024;
const RETRY_SECONDS = 10;

export class FileSender {
  readonly #limits: DownloadLimits;
  readonly #slots: FairSlots;

  /** @param processes that serve this gateway; each gets its part of the limits */
  constructor(limits: DownloadLimits, processes: number) {
    this.#limits = limits;
    const { total, perAddress } = limits;
    this.#slots = new FairSlots({
      total: perWorker(total, processes),
      perHolder: perWorker(perAddress, processes, 16),
    });
  }

  /** @throws ProtocolError rate_limited, gateway_full, bad_range, and whatever `open` throws */
  async send(
    open: () => Promise<OpenFile>,
    type: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const slot = this.#slots.enter([addressBlock(request.clientAddress)], () => undefined);
    if (slot === "holder") {
      throw new RateLimited(
        "There are too many downloads from this address. Try again later.",
        RETRY_SECONDS,
      );
    }
    if (slot === "full") {
      reply.header("retry-after", String(RETRY_SECONDS));
      throw new ProtocolError("gateway_full", "The gateway has as many downloads open as it allows.");
    }
    reply.raw.once("close", () => slot.leave());
    // It says so once only, and the client may have left while the release was looked at.
    if (reply.raw.closed) slot.leave();
    const { file, handle } = await open();
    let isSending = false;
    try {
      const etag = `"${file.sha256}"`;
      reply
        .type(type)
        .header("etag", etag)
        .header("cache-control", REVALIDATED)
        .header("accept-ranges", "bytes")
        .header("content-disposition", `attachment; filename="${file.name}"`);
      const part = partFor(request.headers, etag, file.size);
      if (part.status === 304) return await reply.code(304).send();
      if (part.status === 416) {
        reply.header("content-range", `bytes */${file.size}`);
        throw new ProtocolError("bad_range", "The file has no such bytes.");
      }
      const { status, start, end } = part;
      reply.code(status).header("content-length", String(end - start + 1));
      if (status === 206) reply.header("content-range", `bytes ${start}-${end}/${file.size}`);
      if (request.method === "HEAD" || reply.raw.destroyed) return await reply.send();
      isSending = true;
      // It closes the file at its end.
      const stream = handle.createReadStream({ start, end, highWaterMark: CHUNK_BYTES });
      const { leastBytes, windowMs } = this.#limits;
      let before = 0;
      const watch = setInterval(() => {
        if (stream.bytesRead - before < leastBytes) reply.raw.destroy();
        before = stream.bytesRead;
      }, windowMs);
      reply.raw.once("close", () => {
        clearInterval(watch);
        stream.destroy();
      });
      return await reply.send(stream);
    } finally {
      if (!isSending) await handle.close();
    }
  }
}

/** Names stay the same from release to release. What lies between must not pack the bytes differently. */
export const REVALIDATED = "no-cache, no-transform";
