// `npm run bench:peers`: installs Sallyport's peers, each by its own package client, into a cache directory outside the
// repository. Nothing else installs them: the benchmark skips peers that are missing.

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const PEERS_HOME = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sallyport-bench");
export const PEERS_BIN = join(PEERS_HOME, "bin");

interface Installation {
  readonly name: string;
  readonly client: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

const cargo = (name: string): Installation => ({
  name,
  client: "cargo",
  args: ["install", name, "--locked", "--root", PEERS_HOME],
});
const apt = (name: string): Installation => ({ name, client: "apt-get", args: ["install", "-y", name] });

const INSTALLATIONS: readonly Installation[] = [
  {
    name: "chisel",
    client: "go",
    args: ["install", "github.com/jpillora/chisel@latest"],
    env: { GOBIN: PEERS_BIN },
  },
  cargo("wstunnel"),
  cargo("websocat"),
  ...(process.getuid?.() === 0 ? [apt("openssh-server"), apt("autossh")] : []),
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(PEERS_BIN, { recursive: true });
  for (const { name, client, args, env } of INSTALLATIONS) {
    process.stderr.write(`\n${name}: ${client} ${args.join(" ")}\n`);
    const { status, error } = spawnSync(client, args, { stdio: "inherit", env: { ...process.env, ...env } });
    if (status !== 0)
      process.stderr.write(
        `${name} is not installed: ${error?.message ?? `${client} ended with ${status}`}\n`,
      );
  }
  process.stderr.write(`\nThe benchmark looks on PATH and in ${PEERS_BIN}.\n`);
}
