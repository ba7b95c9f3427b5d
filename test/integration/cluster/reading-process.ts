// Reads a connection that it is given to its end, and reports what it read.

import { Socket } from "node:net";

process.on("message", (_message, handle) => {
  if (!(handle instanceof Socket)) return;
  let text = "";
  handle.on("data", (part: Buffer) => {
    text += part.toString();
  });
  handle.once("end", () => process.send?.(text));
});
process.send?.("ready");
