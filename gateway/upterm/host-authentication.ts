// How an upterm host signs in (RFC 4252): with any key that it can prove, or only with a key from a list.
// The user name is ignored.

import type { AuthContext, PublicKeyAuthContext } from "ssh2";
import { acceptQuery } from "../ssh/sign-in/authentication.ts";
import { offeredKey } from "../ssh/sign-in/offered-key.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";

/** Refused signatures; and requests of all kinds, which are more, since an ssh-agent may offer many keys. */
const MAX_TRIES = 6;
const MAX_REQUESTS = 40;

interface HostAuthenticationOutcome {
  /**
   * Called before the host is told. `line`: the key in authorized_keys form, or the key that a certificate
   * certifies.
   */
  signedIn(line: string): void;
  refused(): void;
  tooMany(): void;
  failed(error: unknown): void;
}

/**
 * Returns the handler for ssh2's `authentication` events of one connection.
 * @param allowed undefined: any key may sign in
 */
export function createHostAuthentication(
  allowed: AllowedHosts | undefined,
  outcome: HostAuthenticationOutcome,
): (context: AuthContext) => void {
  let tries = 0;
  let requests = 0;

  const reject = (context: AuthContext): void => context.reject(["publickey"]);

  const withKey = async (context: PublicKeyAuthContext): Promise<void> => {
    const key = offeredKey(context);
    const isKnown = key !== undefined && (allowed === undefined || (await allowed.isAllowed(key.blob)));
    if (context.signature === undefined) {
      if (isKnown) acceptQuery(context);
      else reject(context);
      return;
    }
    if (isKnown && key.isSigned()) {
      outcome.signedIn(key.line);
      context.accept();
      return;
    }
    outcome.refused();
    if (++tries >= MAX_TRIES) outcome.tooMany();
    else reject(context);
  };

  return (context) => {
    if (++requests > MAX_REQUESTS) outcome.tooMany();
    else if (context.method !== "publickey") reject(context);
    else {
      withKey(context).catch((error: unknown) => {
        outcome.failed(error);
        reject(context);
      });
    }
  };
}
