// Signs a text with one of the person's keys, by OpenSSH: `ssh-keygen -Y sign` finds the private key in the SSH agent, in a
// security key or in its file, and asks for a touch, a PIN or a passphrase itself. No private key is read here.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";
import type { Machine } from "../../platform/paths.ts";

export interface SigningKey {
  readonly key: SshPublicKey;
  /** Its private file, or the public one beside it; undefined: only the agent has the key. */
  readonly file: string | undefined;
}

/** Runs ssh-keygen to its end. @throws CommandError stage `ssh`: it cannot be started, or it fails */
export type RunKeygen = (args: readonly string[]) => Promise<void>;

/** Returns the signature as ssh-keygen writes it, with armour. @throws CommandError stage `ssh` or `file` */
export async function signProof(
  text: string,
  namespace: string,
  { key, file }: SigningKey,
  run: RunKeygen,
): Promise<string> {
  // 0700, so that nobody else can replace the text.
  const directory = mkdtempSync(join(tmpdir(), "sallyport-proof-"));
  try {
    const message = join(directory, "proof");
    writeFileSync(message, text, { mode: 0o600 });
    const publicKey = join(directory, "key.pub");
    if (file === undefined) writeFileSync(publicKey, `${formatPublicKey(key)}\n`, { mode: 0o600 });
    // From a file and not on standard input, which stays the terminal, for the passphrase.
    await run(["-q", "-Y", "sign", "-f", file ?? publicKey, "-n", namespace, message]);
    return readFileSync(`${message}.sig`, "utf8");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("file", "not_signed", "The signature could not be read back.", { cause: error });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface KeygenOptions {
  readonly env: Machine["env"];
  readonly signal: AbortSignal;
  /** Whether ssh-keygen may ask the person on this process's terminal. */
  readonly terminal: boolean;
  readonly sshKeygen?: string | undefined;
}

/** Without a terminal. Leaves time for the touch that a security key or an agent may ask for. */
const UNATTENDED_MS = 60_000;
const MAX_STDERR = 4096;

export function keygenRunner({ env, signal, terminal, sshKeygen }: KeygenOptions): RunKeygen {
  const program = sshKeygen ?? "ssh-keygen";
  return (args) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        env: { ...env },
        stdio: terminal ? ["inherit", "ignore", "inherit"] : ["ignore", "ignore", "pipe"],
        // Detached from a terminal that an editor was started from, where nobody would see a question.
        detached: !terminal && process.platform !== "win32",
        signal: terminal ? signal : AbortSignal.any([signal, AbortSignal.timeout(UNATTENDED_MS)]),
        windowsHide: true,
      });
      let stderr = "";
      child.stderr?.on("data", (data: Buffer) => {
        stderr = `${stderr}${data}`.slice(-MAX_STDERR);
      });
      child.once("error", (cause) => {
        const missing = errorCode(cause) === "ENOENT";
        const message = missing
          ? `There is no ${program}: install OpenSSH's client.`
          : `${program} did not sign in time.`;
        reject(new CommandError("ssh", missing ? "ENOENT" : "not_signed", message, { cause }));
      });
      child.once("close", (code) => {
        if (code === 0) return resolve();
        const why = stderr.trim().split("\n").at(-1)?.trim();
        const message = `ssh-keygen did not sign with the key${why === undefined || why === "" ? "" : ` (${why})`}.`;
        reject(new CommandError("ssh", "not_signed", message));
      });
    });
}
