// One order (RFC 8555 §7.4): names, proof of control over each, signing request, certificate chain.

import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import type { ChallengeKind } from "../challenge-kind.ts";
import { AcmeError } from "./acme-error.ts";
import { Authorization, Challenge, Order } from "./messages.ts";
import { keyPem, signingRequest } from "./own-certificate.ts";
import { type AcmeSession, problemText } from "./session.ts";

export interface PendingChallenge {
  readonly kind: ChallengeKind;
  readonly name: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** Makes the gateway answer a challenge until the answer is disposed. */
export type AnswerChallenge = (challenge: PendingChallenge) => Promise<AsyncDisposable>;

export interface Wanted {
  readonly names: readonly string[];
  /** The kinds of challenge that the gateway can answer, the best first. */
  readonly kinds: readonly ChallengeKind[];
  /** The certificate's key. */
  readonly key: KeyObject;
  /** What RFC 9773 calls the certificate that this one replaces. */
  readonly replaces: string | undefined;
}

/** How long the authority may take for one step. */
const STEP_MS = 180_000;
/** One certificate in PEM (RFC 7468). */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const POLL_MS = { least: 1_000, most: 30_000 } as const;

/**
 * Returns the certificate chain, in PEM; the leaf is first, and fits the key and the names.
 * @throws AcmeError
 */
export async function orderCertificate(
  session: AcmeSession,
  { names, kinds, key, replaces }: Wanted,
  answer: AnswerChallenge,
  signal: AbortSignal,
): Promise<string> {
  const { value: order, url } = await newOrder(session, names, replaces);
  // One after the other: a few names at most, and the first refusal is reason enough to stop.
  for (const authorization of order.authorizations) {
    await authorize(session, authorization, { names, kinds }, answer, signal);
  }
  const isPending = (value: Order): boolean => value.status === "pending";
  const ready = await poll(() => session.post(Order, url, undefined, "order"), isPending, signal);
  if (ready.status === "ready") {
    const csr = signingRequest(names, key).toString("base64url");
    await session.post(Order, ready.finalize, { csr }, "order");
  }
  const done = await poll(
    () => session.post(Order, url, undefined, "order"),
    ({ status }) => status === "ready" || status === "processing",
    signal,
  );
  if (done.status !== "valid" || done.certificate === undefined) {
    const why = done.error === undefined ? `the order is ${done.status}.` : problemText(done.error);
    throw new AcmeError("acme_refused", `The certificate authority did not issue the certificate: ${why}`);
  }
  return checkedChain(await session.read(done.certificate), names, key);
}

/** What is replaced is a courtesy: an authority that does not know it any more gets an order without it. */
async function newOrder(session: AcmeSession, names: readonly string[], replaces: string | undefined) {
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const send = (more: object) =>
    session.post(Order, session.directory.newOrder, { identifiers, ...more }, "order");
  if (replaces === undefined) return send({});
  return send({ replaces }).catch((error: unknown) => {
    if (error instanceof AcmeError && error.code === "acme_refused") return send({});
    throw error;
  });
}

async function authorize(
  session: AcmeSession,
  url: string,
  { names, kinds }: Pick<Wanted, "names" | "kinds">,
  answer: AnswerChallenge,
  signal: AbortSignal,
): Promise<void> {
  const read = () => session.post(Authorization, url, undefined, "authorization");
  const { value: asked } = await read();
  // The authority may remember an earlier proof.
  if (asked.status === "valid") return;
  const name = asked.identifier.value.toLowerCase();
  if (!names.includes(name)) {
    throw new AcmeError(
      "acme_malformed",
      "The certificate authority asks about a name that was not ordered.",
    );
  }
  const { kind, challenge } = chosenChallenge(asked, kinds);
  const { token } = challenge;
  const keyAuthorization = session.keyAuthorization(token);
  await using _answered = await answer({ kind, name, token, keyAuthorization });
  await session.post(Challenge, challenge.url, {}, "challenge");
  const decided = await poll(read, ({ status }) => status === "pending", signal);
  if (decided.status === "valid") return;
  const problem = decided.challenges.find(({ url }) => url === challenge.url)?.error;
  const why = problem === undefined ? `the authorization is ${decided.status}.` : problemText(problem);
  throw new AcmeError(
    "acme_challenge_failed",
    `The certificate authority could not verify ${name} by ${kind}: ${why} ${ADVICE[kind]}`,
  );
}

const ADVICE = {
  "tls-alpn-01":
    "The name has to lead to this gateway's HTTPS port, as port 443, with nothing in between that ends TLS.",
  "http-01": "The name has to lead to the address of --acme-http, as port 80.",
} as const satisfies Record<ChallengeKind, string>;

function chosenChallenge(
  { identifier, challenges }: Authorization,
  kinds: readonly ChallengeKind[],
): { kind: ChallengeKind; challenge: Challenge & { token: string } } {
  for (const kind of kinds) {
    const challenge = challenges.find(({ type }) => type === kind);
    if (challenge?.token !== undefined) return { kind, challenge: { ...challenge, token: challenge.token } };
  }
  throw new AcmeError(
    "acme_no_challenge",
    `The certificate authority offers none of these challenges for ${identifier.value}: ${kinds.join(", ")}.`,
  );
}

async function poll<T>(
  read: () => Promise<{ readonly value: T; readonly retryAt: number | undefined }>,
  isUndecided: (value: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  const deadline = Date.now() + STEP_MS;
  for (let wait: number = POLL_MS.least; ; wait = Math.min(wait * 2, POLL_MS.most)) {
    const { value, retryAt } = await read();
    if (!isUndecided(value)) return value;
    const asked = retryAt === undefined ? wait : Math.max(retryAt - Date.now(), POLL_MS.least);
    const ms = Math.min(asked, POLL_MS.most);
    if (Date.now() + ms > deadline) {
      throw new AcmeError("acme_timeout", "The certificate authority did not decide within three minutes.");
    }
    await delay(ms, undefined, { signal });
  }
}

/**
 * The certificates alone: whatever else an authority sends, such as a key, would get into the file that the gateway's own key is
 * in. They are tried as the gateway will use them, because they take the place of some that work.
 */
function checkedChain(text: string, names: readonly string[], key: KeyObject): string {
  const blocks = text.match(CERTIFICATE) ?? [];
  const pem = blocks.map((block) => `${block}\n`).join("");
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(pem);
    if (!leaf.publicKey.equals(createPublicKey(key))) throw new Error("its key is not the gateway's");
    createSecureContext({ cert: pem, key: keyPem(key) });
  } catch (cause) {
    throw new AcmeError(
      "acme_malformed",
      "The certificate authority sent no certificate for the gateway's key in PEM form.",
      { cause },
    );
  }
  if (names.every((name) => leaf.checkHost(name) !== undefined)) return pem;
  throw new AcmeError("acme_malformed", "The certificate authority sent a certificate for something else.");
}
