// The certificate authorities of `--user-ca`: whose user certificates are taken, for which accounts and from where.

import { ProtocolError } from "../../../protocol/errors.ts";
import { type Certificate, checkUserCertificate } from "../../../protocol/ssh/certificate.ts";
import { isName, type Name } from "../../../protocol/values/name.ts";
import { parseAuthorizedKeys } from "../../../protocol/values/ssh-public-key.ts";
import { addressMatcher } from "../../address.ts";
import { readGuardedFile } from "../../program/private-files.ts";
import { StartError } from "../../program/start-error.ts";

/**
 * What a certificate has to permit (PROTOCOL.certkeys, "Extensions"). The gateway passes sessions on packet by packet and
 * cannot hold the host to less, so a narrower certificate opens nothing.
 */
const PERMISSIONS = ["permit-pty", "permit-port-forwarding", "permit-agent-forwarding"] as const;

export class UserAuthorities {
  readonly #blobs: ReadonlySet<string>;
  readonly #now: () => Date;

  /** `blobs`: the authorities' public keys in wire form, base64. */
  constructor(blobs: ReadonlySet<string>, now: () => Date = () => new Date()) {
    this.#blobs = blobs;
    this.#now = now;
  }

  trusts(certificate: Certificate): boolean {
    return this.#blobs.has(certificate.authority.blob.toString("base64"));
  }

  /** The accounts that a certificate of ours may be for: its principals. */
  accounts(certificate: Certificate): Name[] {
    return this.trusts(certificate) ? certificate.principals.filter(isName).slice(0, MAX_PRINCIPALS) : [];
  }

  /**
   * Whether it lets `account` in, now and from `address`.
   * @throws ProtocolError bad_key with a sentence for the holder
   */
  check(certificate: Certificate, account: Name, address: string): void {
    const conditions = checkUserCertificate(certificate, account, this.#now());
    if (conditions.forceCommand !== undefined) {
      throw new ProtocolError("bad_key", "Certificates with a forced command are not taken here.");
    }
    if (conditions.sourceAddress !== undefined && !isFrom(conditions.sourceAddress, address)) {
      throw new ProtocolError("bad_key", "The certificate is not for this address.");
    }
    const missing = PERMISSIONS.find((name) => !certificate.extensions.has(name));
    if (missing !== undefined) {
      throw new ProtocolError("bad_key", `Certificates without ${missing} are not taken here.`);
    }
  }
}

/** Each is a look-up: more names than this say nothing more about a person. */
const MAX_PRINCIPALS = 16;

function isFrom(list: string, address: string): boolean {
  try {
    return addressMatcher(list.split(","))(address);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/** @throws StartError stage `file`: missing, empty, or not all of its lines are public keys */
export async function loadUserAuthorities(path: string): Promise<UserAuthorities> {
  const text = await readGuardedFile(path, "readers", { stage: "file", what: "The user CA file" });
  const { keys, problems } = parseAuthorizedKeys(text);
  const [problem] = problems;
  if (problem !== undefined) {
    throw new StartError("file", `The user CA file ${path}, line ${problem.line}: ${problem.message}`);
  }
  if (keys.length === 0) throw new StartError("file", `The user CA file ${path} names no key.`);
  return new UserAuthorities(new Set(keys.map((key) => key.blob)));
}
