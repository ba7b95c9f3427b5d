// The answers to the challenges that run now. Those of HTTP-01 are in memory, since one process has the port
// for them. Those of TLS-ALPN-01 are files, since any worker may get the authority's connection.

import type { PendingChallenge } from "./acme/order.ts";
import { challengeCertificate } from "./acme/own-certificate.ts";
import type { StoredFiles } from "./stored-files.ts";

export class ChallengeAnswers {
  readonly #files: StoredFiles;
  readonly #http = new Map<string, string>();

  constructor(files: StoredFiles) {
    this.#files = files;
  }

  /** The content at `/.well-known/acme-challenge/<token>`. */
  http(token: string): string | undefined {
    return this.#http.get(token);
  }

  /** Answers the challenge until the answer is disposed. @throws AcmeError `file` */
  async answer({ kind, name, token, keyAuthorization }: PendingChallenge): Promise<AsyncDisposable> {
    if (kind === "tls-alpn-01") {
      return this.#files.writeChallenge(name, challengeCertificate(name, keyAuthorization, new Date()));
    }
    this.#http.set(token, keyAuthorization);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#http.delete(token);
      },
    };
  }
}
