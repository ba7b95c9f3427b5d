// What a companion needs once it is connected, in one file, so that it is loaded at once while the network is waited for.

export { resumable } from "./resumable.ts";
export { openStatusFile } from "./status-file.ts";
export { resumableStdio, tunnelStdio } from "./stdio.ts";
