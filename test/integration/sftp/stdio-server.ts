// Our SFTP server on stdin and stdout, for real clients without SSH in between (`sftp -D`, `sshfs -o passive`).
// Arguments: the directory to start in, and `--read-only`.

import { Socket } from "node:net";
import { serveSftp } from "../../../agent/host/sftp/server.ts";
import { createLog } from "../../../agent/platform/log.ts";

// Clients give one socket as both stdin and stdout.
const channel = new Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true });
serveSftp(channel, {
  cwd: process.argv[2] ?? ".",
  readOnly: process.argv.includes("--read-only"),
  log: createLog({ level: "warn", write: (line) => process.stderr.write(line) }),
  signal: new AbortController().signal,
});
process.on("exit", () => {
  if (process.env.SFTP_CPU_REPORT === undefined) return;
  const { user, system } = process.cpuUsage();
  process.stderr.write(
    `cpu ${(user / 1e6).toFixed(2)} + ${(system / 1e6).toFixed(2)} s, rss ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`,
  );
});
