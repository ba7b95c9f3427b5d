// Tunes V8's garbage collector for programs that relay buffers all the time: the gateway and the host. Each read of a socket
// makes a buffer outside V8's heap, and a few small objects inside that refer to it.

import { setFlagsFromString } from "node:v8";

/**
 * Call it before other code is loaded: a young generation that has grown stays as it is.
 * @param streams `few`: the heap is small, so that it may grow by more of its size
 */
export function tuneCollector(streams: "few" | "many"): void {
  keepYoungGenerationSmall();
  if (streams === "few") letOldGenerationGrow();
}

/**
 * V8 collects everything, some 15 MB of live code and objects, each time 64 MiB of buffers have gathered; a young
 * generation that has grown from its first size (1 MiB a half-space) to 16 MiB takes that long to fill, so its own
 * collection, which costs next to nothing, comes too late. One thread collects such a small generation sooner than several
 * could: on busy cores they only wait for each other (a tenth of the CPU of a stream, medians of pairs of runs).
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-parallel-scavenge");
}

/**
 * By default V8 collects everything once a heap of 10 MiB has grown by a fifth, and counts buffers as growth: 10 MiB of reads
 * are enough, which one filling of the young generation brings (134 collections for 1.8 GB). Letting the heap grow to three
 * times its size costs a few MiB. A gateway's heap is larger, and does not need it.
 */
function letOldGenerationGrow(): void {
  setFlagsFromString("--heap-growing-percent=200");
}
