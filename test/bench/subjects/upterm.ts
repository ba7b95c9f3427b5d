// upterm shares a terminal over a reverse SSH tunnel; by `upterm host --allow-local-tcp-forwarding` a person's `ssh -L`
// goes through it. It comes as a binary that somebody has; no measurement of it is written, so it is named and left out.

import type { Subject } from "./subject.ts";

export const upterm: Subject = {
  name: "upterm",
  program: "upterm",
  transport: "ssh",
  missing: () =>
    (process.env.UPTERM ?? "") === ""
      ? "no binary given by UPTERM="
      : "a binary is given by UPTERM=, but how to measure it is not written yet",
  version: () => "",
  start: () => Promise.reject(new Error("upterm is not measured yet")),
};
