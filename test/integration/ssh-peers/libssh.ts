// Builds the client in libssh/, which shares no code with Sallyport or OpenSSH. Tests that need it are
// skipped, with the reason in their name, where it cannot be built.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("libssh/client.c", import.meta.url));

export interface LibsshClient {
  readonly program: string;
  remove(): void;
}

/** The path of the client, or the reason why it could not be built. */
export function buildLibsshClient(): LibsshClient | string {
  const directory = mkdtempSync(join(tmpdir(), "libssh-client-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const program = join(directory, "client");
  const built = spawnSync("cc", ["-o", program, source, "-lssh"], { encoding: "utf8", timeout: 60_000 });
  if (built.status === 0) return { program, remove };
  remove();
  return built.error === undefined ? "libssh's headers are not here" : "no C compiler here";
}
