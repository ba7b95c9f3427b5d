// The list of subjects. All ratios are to the first one, which is what people get by default.

import { chisel } from "./chisel.ts";
import { direct } from "./direct.ts";
import { openSsh } from "./openssh.ts";
import { sallyport } from "./sallyport.ts";
import type { Subject } from "./subject.ts";
import { upterm } from "./upterm.ts";
import { websocat } from "./websocat.ts";
import { wstunnel } from "./wstunnel.ts";

export const SUBJECTS: readonly Subject[] = [
  sallyport({ transport: "wss", protocol: "resume", entry: "port" }),
  sallyport({ transport: "wss", protocol: "raw", entry: "port" }),
  sallyport({ transport: "wss", protocol: "resume", entry: "stdio" }),
  sallyport({ transport: "wss", protocol: "raw", entry: "stdio" }),
  sallyport({ transport: "ws", protocol: "raw", entry: "port" }),
  direct,
  chisel("wss"),
  chisel("ws"),
  wstunnel("wss"),
  wstunnel("ws"),
  websocat("wss"),
  websocat("ws"),
  openSsh("ssh"),
  openSsh("autossh"),
  upterm("ssh"),
  upterm("ws"),
];

export const BASE = SUBJECTS[0]?.name ?? "";
