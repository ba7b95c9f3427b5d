// User authentication (RFC 4252) at the SSH port. It has sign-in.ts decide ssh2's requests, counts the
// attempts, and sends the answers. All refusals look the same and none is sent before a minimum time, so that
// they reveal nothing.

import type { AuthContext, KeyboardAuthContext, PublicKeyAuthContext } from "ssh2";
import { formatWorkspaceRef } from "../../../protocol/values/name.ts";
import { fingerprint } from "../../../protocol/values/ssh-public-key.ts";
import { type OfferedKey, offeredKey } from "./offered-key.ts";
import type { ProvedKey } from "./principal.ts";
import type { SignedIn, SignIn, SignInRefusal, Verdict } from "./sign-in.ts";
import { parseUserName } from "./user-name.ts";

export interface AuthenticationLimits {
  /** How many refused proofs a connection may have. */
  readonly tries: number;
  /** How many keys a client may ask about. */
  readonly queries: number;
  /** How many requests of any kind a client may send. */
  readonly requests: number;
  /** How long after its request a refusal is sent; for a key query, a quarter of it. */
  readonly refusalFloorMs: number;
}

export const AUTHENTICATION_LIMITS: AuthenticationLimits = {
  tries: 6,
  queries: 20,
  requests: 60,
  refusalFloorMs: 100,
};

/** A token has 53 characters. Longer text is not looked up. */
const MAX_TOKEN_LENGTH = 200;
/** The same for every user name, so that the offer reveals nothing about it. */
const METHODS = ["publickey", "keyboard-interactive", "password"] as const;
/** How many unknown keys the advice to register one names. */
const MAX_NAMED_KEYS = 3;

export interface AuthenticationOutcome {
  /** Called before USERAUTH_SUCCESS goes out. */
  signedIn(signedIn: SignedIn, method: string): void;
  /** A proof was refused. */
  refused(refusal: SignInRefusal, method: string): void;
  /** The client has proved a key for an account. It is told so, and is not signed in. */
  proved(text: string): void;
  /** The client has used up its attempts: end the connection. */
  tooMany(): void;
  /** Sends USERAUTH_BANNER (RFC 4252 §5.4). */
  banner(text: string): void;
  /** An unexpected error. The client gets a refusal. */
  failed(error: unknown): void;
  readonly isOver: boolean;
  /** Aborted once the client has left. */
  readonly over: AbortSignal;
  /** The client's address. */
  readonly address: string;
}

/** Returns the handler for ssh2's `authentication` event of one connection. */
export function createAuthentication(
  signIn: Pick<SignIn, "isKnown" | "withKey" | "withToken" | "confirm">,
  limits: AuthenticationLimits,
  outcome: AuthenticationOutcome,
): (context: AuthContext) => void {
  let requests = 0;
  let queries = 0;
  let tries = 0;
  const unregistered = new Set<string>();
  /** The key that has signed for PROVE_USER. */
  let unconfirmed: ProvedKey | undefined;

  const answer = async (context: AuthContext): Promise<void> => {
    const started = performance.now();
    switch (context.method) {
      case "publickey": {
        const key = offeredKey(context);
        if (context.signature === undefined) return query(context, key, started);
        const isGood = key?.isSigned() === true;
        // The key is looked up even if the signature is bad, so that both take the same time.
        const verdict =
          key === undefined
            ? undefined
            : await signIn.withKey(context.username, key, outcome.address, isGood ? outcome.over : undefined);
        return settle(context, isGood ? verdict : undefined, started, key);
      }
      case "password":
        return settle(context, await withToken(context.username, context.password), started);
      case "keyboard-interactive":
        return unconfirmed === undefined ? ask(context) : askForCode(context, unconfirmed);
      case "none": {
        // The first `none` asks for the list of methods, and does not count as an attempt.
        const { token } = parseUserName(context.username);
        if (token === undefined) return refuse(context);
        return settle(context, await withToken(context.username, token), started);
      }
      default:
        return settle(context, undefined, started);
    }
  };

  const withToken = async (user: string, token: unknown): Promise<Verdict | undefined> => {
    // A request to change the password contains two.
    if (typeof token !== "string" || token.length > MAX_TOKEN_LENGTH) return undefined;
    return signIn.withToken(user, token.trim(), outcome.address, outcome.over);
  };

  const query = async (
    context: PublicKeyAuthContext,
    key: OfferedKey | undefined,
    started: number,
  ): Promise<void> => {
    queries++;
    if (queries > limits.queries) return outcome.tooMany();
    if (key !== undefined && (await signIn.isKnown(context.username, key))) {
      if (!outcome.isOver) acceptQuery(context);
      return;
    }
    if (key !== undefined && unregistered.size < MAX_NAMED_KEYS) unregistered.add(fingerprint(key.blob));
    await until(started, limits.refusalFloorMs / 4);
    refuse(context);
  };

  const askForCode = (context: KeyboardAuthContext, key: ProvedKey): void => {
    const instructions = `With the code, ${key.fingerprint} will open the account that it names.`;
    const prompts = [{ prompt: "Code shown for this key (ACCOUNT/XXXX-XXXX): ", echo: true }];
    context.prompt(prompts, "", instructions, (responses: unknown) => {
      const started = performance.now();
      run(context, async () => {
        const [code, more] = Array.isArray(responses) ? responses : [];
        if (typeof code !== "string" || more !== undefined || code.length > MAX_TOKEN_LENGTH) {
          return settle(context, undefined, started);
        }
        const answer = await signIn.confirm(key, code, outcome.address);
        if (typeof answer !== "string") return settle(context, { kind: "refused", refusal: answer }, started);
        if (!outcome.isOver) outcome.proved(`${key.fingerprint} now opens the account ${answer}.`);
      });
    });
  };

  const ask = (context: KeyboardAuthContext): void => {
    const { workspace } = parseUserName(context.username);
    const whose = workspace === undefined ? "" : ` for ${formatWorkspaceRef(workspace)}`;
    // sshpass, lftp, asyncssh and similar programs answer prompts that ask for a password.
    const prompts = [{ prompt: `Password (owner token)${whose}: `, echo: false }];
    // The callback is not called if the client switches to a different method: its next request arrives
    // instead.
    context.prompt(prompts, "", "", (responses: unknown) => {
      const started = performance.now();
      run(context, async () => {
        const [token, more] = Array.isArray(responses) ? responses : [];
        if (more !== undefined) return settle(context, undefined, started);
        return settle(context, await withToken(context.username, token), started);
      });
    });
  };

  /** @param verdict undefined: what the client presented does not even have the right form */
  const settle = async (
    context: AuthContext,
    verdict: Verdict | undefined,
    started: number,
    key?: OfferedKey,
  ): Promise<void> => {
    if (outcome.isOver) return;
    if (verdict?.kind === "accepted") {
      const { signedIn } = verdict;
      if (signedIn.principal.kind === "owner-token" && unregistered.size > 0)
        outcome.banner(advice(unregistered));
      outcome.signedIn(signedIn, context.method);
      context.accept();
      return;
    }
    if (verdict?.kind === "unconfirmed") {
      unconfirmed = verdict.key;
      // Partial success, and the method that is still needed (RFC 4252 §5.1).
      context.reject(["keyboard-interactive"], true);
      return;
    }
    const refusal = verdict?.refusal ?? {
      code: "unauthenticated" as const,
      ...(key === undefined ? {} : { key: fingerprint(key.blob) }),
    };
    await until(started, limits.refusalFloorMs);
    if (outcome.isOver) return;
    outcome.refused(refusal, context.method);
    if (refusal.banner !== undefined) outcome.banner(refusal.banner);
    tries++;
    if (tries >= limits.tries) outcome.tooMany();
    else refuse(context);
  };

  const refuse = (context: AuthContext): void => {
    if (!outcome.isOver) context.reject([...METHODS]);
  };

  const run = (context: AuthContext, step: () => Promise<void>): void => {
    step().catch((error: unknown) => {
      outcome.failed(error);
      refuse(context);
    });
  };

  return (context) => {
    requests++;
    if (requests > limits.requests) outcome.tooMany();
    else run(context, () => answer(context));
  };
}

/** PK_OK repeats the algorithm of the request (RFC 4252 §7), which ssh2 has replaced with the key's type. */
export function acceptQuery(context: PublicKeyAuthContext): void {
  if (context.key.algo === "ssh-rsa") {
    context.key.algo = `rsa-sha2-${context.hashAlgo === "sha512" ? 512 : 256}`;
  }
  context.accept();
}

function advice(fingerprints: ReadonlySet<string>): string {
  const keys = [...fingerprints].join(", ");
  return `The gateway does not know your SSH key (${keys}). If you have an account here, register the key and you need no token: sallyport keys add`;
}

/**
 * Waits until `floorMs` after `started`. If that has passed, the floor is doubled until it has not, so that a
 * slow look-up does not show either.
 */
async function until(started: number, floorMs: number): Promise<void> {
  const taken = performance.now() - started;
  let end = floorMs;
  while (end < taken) end *= 2;
  await new Promise((resolve) => setTimeout(resolve, end - taken));
}
