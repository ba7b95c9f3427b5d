// The certificate authorities of `--user-ca`, and the checks of user certificates that they have signed.

import { ProtocolError } from "../../../protocol/errors.ts";
import { type Certificate, checkUserCertificate } from "../../../protocol/ssh/certificate.ts";
import { isName, type Name } from "../../../protocol/values/name.ts";
import { parseAuthorizedKeys } from "../../../protocol/values/ssh-public-key.ts";
import { addressMatcher } from "../../address.ts";
import { readGuardedFile } from "../../program/private-files.ts";
import { StartError } from "../../program/start-error.ts";

/**
 * What a certificate must permit (PROTOCOL.certkeys, "Extensions"). The gateway relays connections packet by
 * packet and cannot restrict what the host permits, so it refuses a narrower certificate.
 */
const PERMISSIONS = ["permit-pty", "permit-port-forwarding", "permit-agent-forwarding"] as const;

export class UserAuthorities {
  readonly #blobs: ReadonlySet<string>;
  readonly #now: () => Date;

  /** @param blobs the authorities' public keys in wire form, base64 */
  constructor(blobs: ReadonlySet<string>, now: () => Date = () => new Date()) {
    this.#blobs = blobs;
    this.#now = now;
  }

  trusts(certificate: Certificate): boolean {
    return this.#blobs.has(certificate.authority.blob.toString("base64"));
  }

  /** The names in a trusted certificate that may be account names: its principals. */
  accounts(certificate: Certificate): Name[] {
    return this.trusts(certificate) ? certificate.principals.filter(isName).slice(0, MAX_PRINCIPALS) : [];
  }

  /**
   * Checks that a certificate admits `account` now and from `address`.
   * @throws ProtocolError bad_key, with a sentence for the holder
   */
  check(certificate: Certificate, account: Name, address: string): void {
    const conditions = checkUserCertificate(certificate, account, this.#now());
    if (conditions.forceCommand !== undefined) {
      throw new ProtocolError("bad_key", "This gateway does not accept certificates with a forced command.");
    }
    if (conditions.sourceAddress !== undefined && !isFrom(conditions.sourceAddress, address)) {
      throw new ProtocolError("bad_key", "The certificate is not valid for this address.");
    }
    const missing = PERMISSIONS.find((name) => !certificate.extensions.has(name));
    if (missing !== undefined) {
      throw new ProtocolError("bad_key", `This gateway does not accept certificates without ${missing}.`);
    }
  }
}

/** Each name costs a look-up; a real certificate does not need more. */
const MAX_PRINCIPALS = 16;

function isFrom(list: string, address: string): boolean {
  try {
    return addressMatcher(list.split(","))(address);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/** @throws StartError stage `file`: the file is missing or empty, or a line is not a public key */
export async function loadUserAuthorities(path: string): Promise<UserAuthorities> {
  const text = await readGuardedFile(path, "readers", { stage: "file", what: "The user CA file" });
  const { keys, problems } = parseAuthorizedKeys(text);
  const [problem] = problems;
  if (problem !== undefined) {
    throw new StartError("file", `The user CA file ${path}, line ${problem.line}: ${problem.message}`);
  }
  if (keys.length === 0) throw new StartError("file", `The user CA file ${path} contains no key.`);
  return new UserAuthorities(new Set(keys.map((key) => key.blob)));
}
