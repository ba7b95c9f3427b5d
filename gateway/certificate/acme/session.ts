// A conversation with a certificate authority: its directory, an account, and signed requests, each of which
// needs a nonce that the authority has given out (RFC 8555 §6.5).

import type { Static, TSchema } from "typebox";
import { printable } from "../../../protocol/values/printable.ts";
import type { AccountKey, ExternalAccount } from "./account-key.ts";
import { AcmeError, type AcmeErrorCode } from "./acme-error.ts";
import type { AcmeResponse, SendRequest } from "./https-request.ts";
import { Directory, Problem, parse } from "./messages.ts";
import { retryAfter } from "./retry-after.ts";

/** A nonce may be refused because it is too old; its refusal brings a new one. */
const NONCE_TRIES = 10;

export interface AccountOptions {
  readonly key: AccountKey;
  readonly email: string | null;
  readonly externalAccount: ExternalAccount | undefined;
}

/** What an authority has answered, parsed. */
interface Resource<T> {
  readonly value: T;
  readonly url: string;
  /** When to ask again; milliseconds since 1970. */
  readonly retryAt: number | undefined;
}

export class AcmeSession {
  readonly directory: Directory;
  readonly #send: SendRequest;
  readonly #key: AccountKey;
  #account: string | undefined;
  #nonce: string | undefined;

  private constructor(send: SendRequest, directory: Directory, key: AccountKey) {
    this.#send = send;
    this.directory = directory;
    this.#key = key;
  }

  /** Signs in with the account of this key, which is made if it is new. @throws AcmeError */
  static async open(send: SendRequest, directoryUrl: string, account: AccountOptions): Promise<AcmeSession> {
    const directory = await readDirectory(send, directoryUrl);
    const session = new AcmeSession(send, directory, account.key);
    await session.#signIn(account);
    return session;
  }

  keyAuthorization(token: string): string {
    return this.#key.keyAuthorization(token);
  }

  /** @param payload undefined: reads the resource @throws AcmeError */
  async post<S extends TSchema>(
    schema: S,
    url: string,
    payload: unknown,
    what: string,
  ): Promise<Resource<Static<S>>> {
    const { body, headers } = await this.#signed(url, payload);
    return {
      value: parse(schema, body, what),
      url: urlOf(headers.location) ?? url,
      retryAt: retryAfter(headers["retry-after"], Date.now()),
    };
  }

  /** Reads a text that is not JSON: a certificate chain. @throws AcmeError */
  async read(url: string): Promise<string> {
    return (await this.#signed(url, undefined)).body;
  }

  async #signIn({ email, externalAccount }: AccountOptions): Promise<void> {
    const { newAccount, meta } = this.directory;
    if (meta?.externalAccountRequired === true && externalAccount === undefined) {
      throw new AcmeError(
        "acme_account",
        "The certificate authority wants an account of its own site: give --acme-eab-kid and --acme-eab-key.",
      );
    }
    const { headers } = await this.#signed(newAccount, {
      termsOfServiceAgreed: true,
      ...(email === null ? {} : { contact: [`mailto:${email}`] }),
      ...(externalAccount === undefined
        ? {}
        : { externalAccountBinding: this.#key.bind(newAccount, externalAccount) }),
    });
    this.#account = urlOf(headers.location);
    if (this.#account === undefined) {
      throw new AcmeError(
        "acme_malformed",
        "The certificate authority did not name the account that it made.",
      );
    }
  }

  async #signed(url: string, payload: unknown): Promise<AcmeResponse> {
    for (let tries = NONCE_TRIES; ; tries--) {
      const nonce = await this.#takeNonce();
      const body = JSON.stringify(this.#key.sign(url, nonce, this.#account, payload));
      const response = await this.#send({ method: "POST", url, body });
      this.#nonce = textOf(response.headers["replay-nonce"]);
      if (response.status >= 200 && response.status < 300) return response;
      const problem = problemOf(response.body);
      if (problem?.type !== `${ACME_ERROR}badNonce` || tries <= 1) throw refusal(response, problem);
    }
  }

  async #takeNonce(): Promise<string> {
    const kept = this.#nonce;
    this.#nonce = undefined;
    if (kept !== undefined) return kept;
    const { headers } = await this.#send({ method: "HEAD", url: this.directory.newNonce });
    const nonce = textOf(headers["replay-nonce"]);
    if (nonce !== undefined) return nonce;
    throw new AcmeError("acme_malformed", "The certificate authority gives out no nonces.");
  }
}

/** @throws AcmeError */
export async function readDirectory(send: SendRequest, url: string): Promise<Directory> {
  const response = await send({ method: "GET", url });
  if (response.status !== 200) throw refusal(response, problemOf(response.body));
  return parse(Directory, response.body, "directory");
}

const ACME_ERROR = "urn:ietf:params:acme:error:";
const ACCOUNT_ERRORS = new Set([
  "accountDoesNotExist",
  "externalAccountRequired",
  "invalidContact",
  "unauthorized",
  "unsupportedContact",
  "userActionRequired",
]);

/** A sentence of what a problem says, without anything that a terminal or a log would act on. */
export function problemText({ type, detail, subproblems = [] }: Problem): string {
  const details = [detail, ...subproblems.map((part) => part.detail)].filter((text) => text !== undefined);
  const text = details.length === 0 ? (type ?? "no reason given") : details.join(" ");
  return `${printable(text, 500).replace(/[.\s]+$/, "")}.`;
}

function refusal({ status, headers }: AcmeResponse, problem: Problem | undefined): AcmeError {
  const kind = problem?.type?.startsWith(ACME_ERROR) ? problem.type.slice(ACME_ERROR.length) : undefined;
  const notBefore = retryAfter(headers["retry-after"], Date.now());
  const said = problem === undefined ? `status ${status}.` : problemText(problem);
  if (kind === "rateLimited" || status === 429) {
    return new AcmeError("acme_rate_limited", `The certificate authority issues no more for now: ${said}`, {
      notBefore,
    });
  }
  if (status >= 500) {
    return new AcmeError("acme_unreachable", `The certificate authority has a problem of its own: ${said}`, {
      notBefore,
    });
  }
  const code: AcmeErrorCode =
    problem === undefined
      ? "acme_malformed"
      : kind !== undefined && ACCOUNT_ERRORS.has(kind)
        ? "acme_account"
        : "acme_refused";
  return new AcmeError(code, `The certificate authority refused: ${said}`, { notBefore });
}

function problemOf(body: string): Problem | undefined {
  try {
    return parse(Problem, body, "refusal");
  } catch {
    // A proxy or a web server in front of it answers pages: the status then says it all.
    return undefined;
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && header.length <= 2_000 ? header : undefined;
}

/** Requests go nowhere without TLS. */
function urlOf(header: string | string[] | undefined): string | undefined {
  const text = textOf(header);
  return text?.startsWith("https://") && URL.canParse(text) ? text : undefined;
}
