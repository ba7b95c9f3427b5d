// Tunes V8's garbage collector for programs that pass buffers on for as long as they live: the gateway and the host. Each
// read of a socket is a buffer outside of V8's heap, referred to by a few small objects inside.

import { setFlagsFromString } from "node:v8";

/**
 * Before other code is loaded: a young generation that has grown stays as it is.
 * @param streams `few`: the heap is small, and what it may grow by is little beside the buffers
 */
export function tuneCollector(streams: "few" | "many"): void {
  keepYoungGenerationSmall();
  if (streams === "few") letOldGenerationGrow();
}

/**
 * V8 collects everything, some 15 MB of live code and objects, each time 64 MiB of buffers have gathered; a young
 * generation that has grown from its first size (1 MiB a half-space) to 16 MiB takes that long to fill, so its own
 * collection, which costs next to nothing, comes too late. So small a generation is collected sooner by one thread than
 * handed to several: where every core has work to do, the others only wait for each other (a tenth of the CPU of a stream,
 * medians of pairs of runs).
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-parallel-scavenge");
}

/**
 * By itself V8 lets a heap of 10 MiB that grows slowly become a fifth larger before it collects everything, and counts the
 * buffers as growth: 10 MiB of reads are enough, which is what one filling of the young generation brings (134 collections
 * for 1.8 GB). To three times its size costs a few MiB, and a gateway's heap is not small.
 */
function letOldGenerationGrow(): void {
  setFlagsFromString("--heap-growing-percent=200");
}
