// Has OpenSSH sign a text with one of the person's keys: `ssh-keygen -Y sign` finds the private half in the SSH agent, in a
// security key or in its file, and asks for a touch, a PIN or a passphrase itself. No private key is read here.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import type { Machine } from "../../platform/paths.ts";

export interface SigningKey {
  readonly key: SshPublicKey;
  /** Its private file, or the public one beside it; undefined: the agent alone has it. */
  readonly file: string | undefined;
}

/** Runs a program to its end. @throws CommandError stage `ssh`: it cannot be started, or it fails */
export type RunKeygen = (args: readonly string[]) => Promise<void>;

/** Returns what ssh-keygen has written, armour included. @throws CommandError stage `ssh` or `file` */
export async function signProof(
  text: string,
  namespace: string,
  { key, file }: SigningKey,
  run: RunKeygen,
): Promise<string> {
  // 0700: nobody else can put another text in the place of this one.
  const directory = mkdtempSync(join(tmpdir(), "sallyport-proof-"));
  try {
    const message = join(directory, "proof");
    writeFileSync(message, text, { mode: 0o600 });
    const publicKey = join(directory, "key.pub");
    if (file === undefined) writeFileSync(publicKey, `${formatPublicKey(key)}\n`, { mode: 0o600 });
    // As a file, not on its standard input: that stays the terminal, where a passphrase is asked for.
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
  /** Whether this process's terminal is there to ask a person; otherwise only what needs no terminal signs. */
  readonly terminal: boolean;
  readonly sshKeygen?: string | undefined;
}

/** A hardware key or an agent may ask for a touch outside of any terminal. */
const UNATTENDED_MS = 60_000;
const MAX_STDERR = 4096;

export function keygenRunner({ env, signal, terminal, sshKeygen }: KeygenOptions): RunKeygen {
  const program = sshKeygen ?? "ssh-keygen";
  return (args) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        env: { ...env },
        stdio: terminal ? ["inherit", "ignore", "inherit"] : ["ignore", "ignore", "pipe"],
        // Out of reach of a terminal that an editor was started from: a question there would be seen by nobody.
        detached: !terminal && process.platform !== "win32",
        signal: terminal ? signal : AbortSignal.any([signal, AbortSignal.timeout(UNATTENDED_MS)]),
        windowsHide: true,
      });
      let stderr = "";
      child.stderr?.on("data", (data: Buffer) => {
        stderr = `${stderr}${data}`.slice(-MAX_STDERR);
      });
      child.once("error", (cause) => {
        const missing = "code" in cause && cause.code === "ENOENT";
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
