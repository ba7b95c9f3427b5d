// `--acme`: orders the gateway's certificate, and renews it while the gateway runs. It runs once per gateway,
// in the primary where there are workers. Nothing that goes wrong here ends the gateway: the failure is
// logged, counted and audited, and tried again later; the certificate that is there stays in use.

import type { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { VERSION } from "../../protocol/version.ts";
import { formatAddress } from "../address.ts";
import type { AuditEvent } from "../directory.ts";
import { readGuardedFile } from "../program/private-files.ts";
import { closeServer, listen, trackConnections } from "../server.ts";
import { AccountKey, type ExternalAccount } from "./acme/account-key.ts";
import { AcmeError, type AcmeErrorCode, fileError } from "./acme/acme-error.ts";
import { httpsRequests, type SendRequest } from "./acme/https-request.ts";
import { orderCertificate } from "./acme/order.ts";
import { newKey } from "./acme/own-certificate.ts";
import { certificateId, type SuggestedWindow, suggestedWindow } from "./acme/renewal-info.ts";
import { AcmeSession, readDirectory } from "./acme/session.ts";
import { type AcmeOptions, certificateFile } from "./acme-options.ts";
import { ChallengeAnswers } from "./challenge-answers.ts";
import { createChallengePort } from "./challenge-port.ts";
import {
  type Attempts,
  afterFailure,
  afterSuccess,
  firstAttempt,
  NO_ATTEMPTS,
  nextAttempt,
  renewalTime,
} from "./renewal.ts";
import { StoredFiles } from "./stored-files.ts";

/** Waits are cut into pieces of this length: clocks jump, and machines sleep. */
const LOOK_MS = 60_000;
/** How often an authority is asked for its window, unless it says otherwise (RFC 9773 §4.2). */
const WINDOW_MS = 6 * 3_600_000;

interface AutomaticCertificateOptions {
  readonly acme: AcmeOptions;
  readonly dataDir: string;
  readonly log: Logger;
  readonly audit: (event: AuditEvent) => void;
  /** A new certificate is in its file. */
  readonly installed: () => Promise<void>;
  /** An attempt failed; for the metrics. */
  readonly failed: (code: AcmeErrorCode) => void;
}

/**
 * Starts to listen for HTTP-01, if that is wanted, and to look after the certificate.
 * @throws StartError stage `tcp`
 */
export async function startAutomaticCertificate(
  options: AutomaticCertificateOptions,
): Promise<AsyncDisposable> {
  await using started = new AsyncDisposableStack();
  const { acme, dataDir } = options;
  const files = new StoredFiles(certificateFile(dataDir, acme));
  const answers = new ChallengeAnswers(files);
  if (acme.http !== null) {
    const port = createChallengePort({ publicUrl: acme.publicUrl, answer: (token) => answers.http(token) });
    const connections = trackConnections(port);
    const bound = await listen(port, acme.http);
    options.log.info({ http: formatAddress(bound) }, "acme: HTTP-01 is answered, and people are redirected.");
    started.defer(() => {
      connections.destroyAll();
      return closeServer(port, connections);
    });
  }
  const stop = new AbortController();
  const running = new Keeper(options, files, answers, stop.signal).run();
  started.defer(async () => {
    stop.abort();
    await running;
  });
  return started.move();
}

class Keeper {
  readonly #options: AutomaticCertificateOptions;
  readonly #files: StoredFiles;
  readonly #answers: ChallengeAnswers;
  readonly #signal: AbortSignal;
  #attempts = NO_ATTEMPTS;
  #chance = Math.random();
  #window: SuggestedWindow | undefined;
  #askWindowAt = 0;
  /** The next one is not ordered before, as long as the one that was issued is there. */
  #renewableAt = 0;

  constructor(
    options: AutomaticCertificateOptions,
    files: StoredFiles,
    answers: ChallengeAnswers,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#files = files;
    this.#answers = answers;
    this.#signal = signal;
  }

  /** Never rejects; settles soon after the signal is aborted. */
  async run(): Promise<void> {
    const { acme, log } = this.#options;
    this.#attempts = (await this.#files.attempts()) ?? NO_ATTEMPTS;
    let attemptAt = firstAttempt(this.#attempts, Date.now());
    if ((await this.#files.certificate()) === undefined) {
      log.warn(
        { names: acme.names, directory: acme.directory },
        "There is no certificate yet: TLS connections are refused until one is issued.",
      );
    }
    while (!this.#signal.aborted) {
      const certificate = await this.#files.certificate();
      const dueAt = await this.#dueAt(certificate);
      const at = Math.max(dueAt, attemptAt);
      if (at > Date.now()) {
        await this.#wait(at - Date.now());
        continue;
      }
      try {
        const issued = await this.#issue(certificate);
        await this.#succeeded(issued);
        attemptAt = 0;
        this.#renewableAt = afterSuccess(validityOf(issued), Date.now());
      } catch (error) {
        if (this.#signal.aborted) return;
        attemptAt = await this.#failed(error, certificate);
      }
    }
  }

  /** When the certificate is to be replaced; in milliseconds since 1970. */
  async #dueAt(certificate: X509Certificate | undefined): Promise<number> {
    const { acme } = this.#options;
    if (certificate === undefined) return 0;
    if (acme.names.some((name) => certificate.checkHost(name) === undefined)) return 0;
    await this.#askWindow(certificate);
    return Math.max(renewalTime(validityOf(certificate), this.#chance, this.#window), this.#renewableAt);
  }

  /** Failures are of no account: without the authority's wish the lifetime decides. */
  async #askWindow(certificate: X509Certificate): Promise<void> {
    const now = Date.now();
    if (now < this.#askWindowAt) return;
    this.#askWindowAt = now + WINDOW_MS;
    try {
      const id = certificateId(certificate.toString());
      const send = await this.#requests();
      const { renewalInfo } = await readDirectory(send, this.#options.acme.directory);
      if (id === undefined || renewalInfo === undefined) return;
      const { window, askAgainAt } = await suggestedWindow(send, renewalInfo, id);
      this.#window = window;
      this.#askWindowAt = Math.max(askAgainAt ?? this.#askWindowAt, now + LOOK_MS);
    } catch (error) {
      this.#options.log.debug({ err: error }, "acme: the authority did not say when it wants renewals.");
    }
  }

  async #issue(former: X509Certificate | undefined): Promise<X509Certificate> {
    const { acme, log } = this.#options;
    await this.#files.prepare();
    const account = new AccountKey(await this.#files.accountKey());
    await using reserved = await this.#files.reserve();
    log.info({ names: acme.names, directory: acme.directory }, "acme: a certificate is ordered.");
    const session = await AcmeSession.open(await this.#requests(), acme.directory, {
      key: account,
      email: acme.email,
      externalAccount: await this.#externalAccount(),
    });
    const key = newKey();
    // An authority that knows RFC 9773 counts a renewal not as a new certificate.
    const replaces =
      session.directory.renewalInfo === undefined || former === undefined
        ? undefined
        : certificateId(former.toString());
    // After a failure the other kind of challenge has its turn.
    const turn = this.#attempts.failures % acme.challenges.length;
    const kinds = [...acme.challenges.slice(turn), ...acme.challenges.slice(0, turn)];
    const wanted = { names: acme.names, kinds, key, replaces };
    const answer = this.#answers.answer.bind(this.#answers);
    await reserved.store(await orderCertificate(session, wanted, answer, this.#signal), key);
    const issued = await this.#files.certificate();
    if (issued === undefined) throw new Error("the certificate that was stored cannot be read");
    return issued;
  }

  async #succeeded(issued: X509Certificate): Promise<void> {
    const { log, acme, audit, installed } = this.#options;
    this.#chance = Math.random();
    this.#window = undefined;
    this.#askWindowAt = 0;
    await installed();
    const { from, until } = validityOf(issued);
    const expires = new Date(until).toISOString();
    log.info({ names: acme.names, expires }, "acme: a new certificate is in use.");
    audit({ event: "certificate.issued", detail: `${acme.names.join(", ")}; expires ${expires}` });
    const now = Date.now();
    if (now < from - LOOK_MS || renewalTime({ from, until }, 0) <= now) {
      throw new AcmeError(
        "clock",
        `This machine's clock says ${new Date(now).toISOString()}, but the certificate that was just issued is valid from ${new Date(from).toISOString()} to ${expires}: set the clock.`,
      );
    }
    await this.#remember(NO_ATTEMPTS);
  }

  /** Returns when the next attempt may be made. */
  async #failed(error: unknown, certificate: X509Certificate | undefined): Promise<number> {
    const { log, audit, failed } = this.#options;
    const code = error instanceof AcmeError ? error.code : "internal";
    const notBefore = error instanceof AcmeError ? error.notBefore : undefined;
    const now = Date.now();
    await this.#remember(afterFailure(this.#attempts, now, notBefore));
    const isServing = certificate !== undefined && validityOf(certificate).until > now;
    const at = nextAttempt(this.#attempts, now, isServing, Math.random());
    const next = new Date(at).toISOString();
    const message = error instanceof Error ? error.message : String(error);
    const meanwhile = isServing
      ? `The certificate that expires ${new Date(validityOf(certificate).until).toISOString()} stays in use.`
      : "There is no valid certificate, so TLS connections fail.";
    log[isServing ? "warn" : "error"](
      { code, next, failures: this.#attempts.failures, ...(code === "internal" ? { err: error } : {}) },
      `acme: no certificate: ${message} ${meanwhile}`,
    );
    audit({ event: "certificate.failed", code, detail: message });
    failed(code);
    return at;
  }

  async #remember(attempts: Attempts): Promise<void> {
    this.#attempts = attempts;
    await this.#files.writeAttempts(attempts).catch((problem: unknown) => {
      this.#options.log.warn({ err: problem }, "acme: when attempts failed could not be stored.");
    });
  }

  async #requests(): Promise<SendRequest> {
    const { caFile } = this.#options.acme;
    return httpsRequests({
      ca: caFile === null ? undefined : await readText(caFile),
      env: process.env,
      userAgent: `sallyport/${VERSION}`,
      signal: this.#signal,
    });
  }

  async #externalAccount(): Promise<ExternalAccount | undefined> {
    const { externalAccount } = this.#options.acme;
    if (externalAccount === null) return undefined;
    const { kid, keyFile } = externalAccount;
    try {
      const what = { stage: "file", what: "The key of the external account" } as const;
      return { kid, key: (await readGuardedFile(keyFile, "group of root", what)).trim() };
    } catch (error) {
      throw fileError(keyFile, error);
    }
  }

  async #wait(ms: number): Promise<void> {
    // An abort ends the wait; the caller looks.
    await delay(Math.min(ms, LOOK_MS), undefined, { signal: this.#signal, ref: false }).catch(
      () => undefined,
    );
  }
}

function validityOf(certificate: X509Certificate): { from: number; until: number } {
  return { from: certificate.validFromDate.getTime(), until: certificate.validToDate.getTime() };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileError(path, error);
  }
}
