// A bare TCP connection to the target: what a tunnel cannot beat.

import { connectTo, type Subject } from "./subject.ts";

export const direct: Subject = {
  name: "bare TCP",
  program: "kernel",
  transport: "tcp",
  missing: () => undefined,
  version: () => "",
  start: async ({ target, reach }) => ({
    connect: () => connectTo(target, reach),
    pids: () => [],
    serverPids: () => [],
    stop: async () => undefined,
  }),
};
