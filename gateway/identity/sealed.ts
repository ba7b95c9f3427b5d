// Seals small values with a key that only this gateway has: what a browser keeps in a cookie between two requests, and
// the tokens of identity providers in the database. A sealed value is good for one purpose and until a time.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { link, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readGuardedFile } from "../program/private-files.ts";
import { reasonOf, StartError } from "../program/start-error.ts";

/** What a value is sealed for. A value of one purpose does not open for a different one. */
export type SealPurpose = "redirect" | "passkey" | "first-sign-in" | "invitation" | "provider-token";

const KEY_FILE = "identity.key";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_SEALED = 16_000;

export class Sealer {
  readonly #keys: ReadonlyMap<SealPurpose, Buffer>;
  readonly #now: () => number;

  constructor(key: Buffer, now: () => number = Date.now) {
    this.#now = now;
    const purposes: readonly SealPurpose[] = [
      "redirect",
      "passkey",
      "first-sign-in",
      "invitation",
      "provider-token",
    ];
    this.#keys = new Map(
      purposes.map((purpose) => [
        purpose,
        Buffer.from(hkdfSync("sha256", key, "", `sallyport ${purpose}`, KEY_BYTES)),
      ]),
    );
  }

  /** @returns base64url @param value anything that JSON takes @param seconds how long it is good for */
  seal(purpose: SealPurpose, value: unknown, seconds: number): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key(purpose), nonce);
    const text = JSON.stringify({ until: this.#now() + seconds * 1000, value });
    return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
      "base64url",
    );
  }

  /** undefined: it was not sealed here for this purpose, was changed, or its time is over. */
  open(purpose: SealPurpose, sealed: string): unknown {
    if (sealed.length > MAX_SEALED || !/^[A-Za-z0-9_-]+$/.test(sealed)) return undefined;
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#key(purpose), bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]).toString("utf8");
      const { until, value } = JSON.parse(text) as { until: number; value: unknown };
      return until > this.#now() ? value : undefined;
    } catch {
      // It was changed, or a different gateway sealed it.
      return undefined;
    }
  }

  #key(purpose: SealPurpose): Buffer {
    const key = this.#keys.get(purpose);
    if (key === undefined) throw new Error(`no key to seal for ${purpose}`);
    return key;
  }
}

/**
 * Reads the key of a data directory, and makes it if there is none. Losing it is harmless: sign-ins that are under way
 * start again, and providers are not asked again whether people may still come in.
 * @throws StartError stage `file`
 */
export async function loadSealer(dataDir: string): Promise<Sealer> {
  const path = join(dataDir, KEY_FILE);
  if (!existsSync(path)) await makeKey(path);
  const text = await readGuardedFile(path, "nobody", { stage: "file", what: "The key for sign-ins" });
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== KEY_BYTES) {
    throw new StartError("file", `${path} is damaged: remove it, and the gateway makes a new one.`);
  }
  return new Sealer(key);
}

/** Several processes of one gateway may start at once: the first one's key stays. */
async function makeKey(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    const text = `${randomBytes(KEY_BYTES).toString("base64")}\n`;
    await writeFile(aside, text, { mode: 0o600, flag: "wx", flush: true });
    await link(aside, path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw new StartError("file", `${path} can't be written (${reasonOf(error)}).`, error);
  } finally {
    await rm(aside, { force: true });
  }
}
