// Tunes V8's garbage collector for programs that pass buffers on for as long as they live: the gateway and the host.

import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation from growing past its first size (1 MiB a half-space). Each read of a socket is a buffer
 * outside of V8's heap, referred to by a few small objects inside. V8 collects everything, some 15 MB of live code and
 * objects, each time 64 MiB of such buffers have gathered; a young generation that has grown to 16 MiB takes that
 * long to fill, so its own collection, which costs next to nothing, comes too late. Before other code is loaded: once it
 * has grown it stays. So small a generation is collected sooner by one thread than handed to several: where every core has
 * work to do, the others only wait for each other (a tenth of the CPU of a stream, medians of pairs of runs).
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--no-parallel-scavenge");
  // By itself V8 lets so small and steady a heap grow by a fifth, and counts the buffers: 10 MiB of reads would do.
  setFlagsFromString("--heap-growing-percent=200");
}
