// What ACME keeps in the data directory, per authority: the account's key, the certificate with its key, the
// answers to running TLS-ALPN-01 challenges, and when attempts failed. All with mode 0600, replaced atomically.

import { createPrivateKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Type } from "typebox";
import { matches } from "../../protocol/schema-check.ts";
import { readGuardedFile, refuseLoose } from "../program/private-files.ts";
import { AcmeError, fileError } from "./acme/acme-error.ts";
import { keyPem, newKey } from "./acme/own-certificate.ts";
import type { Attempts } from "./renewal.ts";

/** More than any chain with its key needs; 25 names and four certificates have about 12 KiB. */
const RESERVED_BYTES = 64 * 1024;

const StoredAttempts = Type.Object({
  failures: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
  failedAt: Type.Array(Type.Number(), { maxItems: 100 }),
  notBefore: Type.Number(),
});

/** Where the answer to a TLS-ALPN-01 challenge for this name is. Every process of the gateway reads it there. */
export function challengeFile(directory: string, name: string): string {
  return join(directory, `challenge-${name}.pem`);
}

export class StoredFiles {
  readonly directory: string;
  readonly #certificateFile: string;

  constructor(certificateFile: string) {
    this.directory = dirname(certificateFile);
    this.#certificateFile = certificateFile;
  }

  /** Makes the directory, and removes what an earlier process has left. @throws AcmeError `file` */
  async prepare(): Promise<void> {
    await this.#using(this.directory, async () => {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      refuseLoose(this.directory, "readers", "The directory of certificates");
      for (const name of await readdir(this.directory)) {
        if (/^challenge-|\.part$/.test(name)) await rm(join(this.directory, name), { force: true });
      }
    });
  }

  /** The account's key; made where there is none. @throws AcmeError `file` */
  async accountKey(): Promise<KeyObject> {
    const path = join(this.directory, "account.pem");
    return this.#using(path, async () => {
      const text = await readGuardedFile(path, "nobody", { stage: "file", what: "The account's key" }).catch(
        (error: unknown) => {
          if (isMissing(error)) return undefined;
          throw error;
        },
      );
      if (text !== undefined) return createPrivateKey(text);
      const key = newKey();
      await this.#replace(path, keyPem(key));
      return key;
    });
  }

  /** The leaf of the stored certificate; undefined: there is none that can be used. */
  async certificate(): Promise<X509Certificate | undefined> {
    try {
      const text = await readFile(this.#certificateFile, "utf8");
      const leaf = new X509Certificate(text);
      return leaf.checkPrivateKey(createPrivateKey(text)) ? leaf : undefined;
    } catch {
      // Missing or damaged: a new one takes its place.
      return undefined;
    }
  }

  /**
   * Makes sure that a certificate can be stored before one is ordered: authorities issue few for one name, and
   * one that a full disk does not take is lost.
   * @throws AcmeError `file`
   */
  async reserve(): Promise<{ store(chain: string, key: KeyObject): Promise<void> } & AsyncDisposable> {
    const aside = this.#aside(this.#certificateFile);
    await this.#using(this.#certificateFile, () => write(aside, "\n".repeat(RESERVED_BYTES)));
    return {
      store: (chain, key) =>
        this.#using(this.#certificateFile, async () => {
          const file = await open(aside, "r+");
          try {
            const { bytesWritten } = await file.write(`${chain.trim()}\n${keyPem(key)}`, 0);
            await file.truncate(bytesWritten);
            await file.sync();
          } finally {
            await file.close();
          }
          await rename(aside, this.#certificateFile);
        }),
      [Symbol.asyncDispose]: () => rm(aside, { force: true }),
    };
  }

  /** @param pem the certificate that answers the challenge, and its key @throws AcmeError `file` */
  async writeChallenge(name: string, pem: string): Promise<AsyncDisposable> {
    const path = challengeFile(this.directory, name);
    await this.#using(path, () => this.#replace(path, pem));
    return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  }

  async attempts(): Promise<Attempts | undefined> {
    try {
      const value: unknown = JSON.parse(await readFile(this.#attemptsFile, "utf8"));
      return matches(StoredAttempts, value) ? (value as Attempts) : undefined;
    } catch {
      // Missing or damaged: nothing is known of earlier attempts.
      return undefined;
    }
  }

  /** @throws AcmeError `file` */
  async writeAttempts(attempts: Attempts): Promise<void> {
    await this.#using(this.#attemptsFile, () =>
      this.#replace(this.#attemptsFile, `${JSON.stringify(attempts)}\n`),
    );
  }

  get #attemptsFile(): string {
    return join(this.directory, "attempts.json");
  }

  #aside(path: string): string {
    return `${path}.${randomBytes(6).toString("hex")}.part`;
  }

  async #replace(path: string, text: string): Promise<void> {
    const aside = this.#aside(path);
    try {
      await write(aside, text);
      await rename(aside, path);
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
  }

  async #using<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof AcmeError ? error : fileError(path, error);
    }
  }
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
