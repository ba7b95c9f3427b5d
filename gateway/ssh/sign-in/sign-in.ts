// Decides who may sign in at the SSH port, and as which principal: by a registered key, a certificate of a
// configured authority, or an owner token. Only clients that have proved something learn why they are
// refused; for all others the refusals are the same. The packets are handled in authentication.ts.

import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import { PROVE_USER } from "../../../protocol/key-proof.ts";
import type { Certificate } from "../../../protocol/ssh/certificate.ts";
import { formatWorkspaceRef, type Name } from "../../../protocol/values/name.ts";
import { fingerprint } from "../../../protocol/values/ssh-public-key.ts";
import type { AccountRecord, Directory, WorkspaceRecord } from "../../directory.ts";
import { requireUnfrozen } from "../../link/frozen.ts";
import type { Link } from "../../link/link.ts";
import type { LinkRegistry } from "../../link/registry.ts";
import type { UptermFront } from "../upterm-front.ts";
import type { OfferedKey } from "./offered-key.ts";
import { isNamedBy, type Principal, type ProvedKey, reachableWorkspace, slotHolder } from "./principal.ts";
import type { UserAuthorities } from "./user-authorities.ts";
import { parseUserName, type UserName } from "./user-name.ts";

export interface SignedIn {
  readonly principal: Principal;
  /** The workspace that the user name names; undefined: the connection can only jump. */
  readonly target: Target | undefined;
}

interface Target {
  readonly workspace: WorkspaceRecord;
  readonly link: Link;
}

export interface SignInRefusal {
  readonly code: ErrorCode;
  /** A sentence for the person. Set only after a proof. */
  readonly banner?: string;
  /** For the audit log. */
  readonly account?: string;
  readonly workspace?: string;
  readonly key?: string;
}

export type Verdict =
  | { readonly kind: "accepted"; readonly signedIn: SignedIn }
  /** The client wants to prove a key (PROVE_USER), and also has to enter a code. */
  | { readonly kind: "unconfirmed"; readonly key: ProvedKey }
  | { readonly kind: "refused"; readonly refusal: SignInRefusal };

interface Attempt {
  readonly address: string;
  readonly patience: AbortSignal | undefined;
}

interface SignInOptions {
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly authorities: UserAuthorities | undefined;
  readonly upterm: UptermFront | undefined;
}

export class SignIn {
  readonly #options: SignInOptions;
  /** Counts revocations. A decision during which one came is made again. */
  #revocations = 0;

  /** Subscribes to the directory for as long as that exists. */
  constructor(options: SignInOptions) {
    this.#options = options;
    options.directory.onChange(({ kind }) => {
      if (kind !== "keys" && kind !== "workspace") this.#revocations++;
    });
  }

  /** Whether a signature by this key could be accepted (RFC 4252 §7). It changes nothing. */
  async isKnown(user: string, key: OfferedKey): Promise<boolean> {
    if (user === PROVE_USER) {
      return key.certificate === undefined && this.#options.directory.isNamedKey(fingerprint(key.blob));
    }
    if (key.certificate !== undefined) return (await this.#certifiedAccount(key.certificate)) !== undefined;
    const { directory, upterm } = this.#options;
    if ((await directory.accountByKey(fingerprint(key.blob))) !== undefined) return true;
    if (upterm?.session(user)?.mayJoin(key.blob) === true) return true;
    return (await this.#accountlessWorkspace(parseUserName(user))) !== undefined;
  }

  /**
   * Decides for a key that has signed.
   * @param patience until it is aborted, a workspace whose link was just cut is waited for. undefined: it is
   *   not waited for, as with a bad signature: the time that the answer takes would tell a client something
   *   that has proved nothing
   */
  withKey(
    user: string,
    key: OfferedKey,
    address: string,
    patience: AbortSignal | undefined,
  ): Promise<Verdict> {
    return this.#upToDate(() => this.#withKey(user, key, { address, patience }));
  }

  /** Decides for a token that was sent as a password, as an answer to a prompt, or in the user name. */
  withToken(user: string, token: string, address: string, patience: AbortSignal): Promise<Verdict> {
    return this.#upToDate(() => this.#withToken(user, token, { address, patience }));
  }

  /**
   * Decides for a key that has signed for PROVE_USER, and for the code that was typed. A signature alone is
   * not enough: the user name may come from something that the person runs (an `ssh://` link, the URL of a
   * submodule), which must not be able to add their key to an account.
   * @returns the account that has the key now
   */
  async confirm(key: ProvedKey, code: string, address: string): Promise<Name | SignInRefusal> {
    try {
      return await this.#options.directory.confirmKey(key.fingerprint, code, address);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { code: error.code, banner: error.message, key: key.fingerprint };
    }
  }

  async #upToDate(decide: () => Promise<Verdict>): Promise<Verdict> {
    for (;;) {
      const before = this.#revocations;
      const verdict = await decide();
      if (before === this.#revocations) return verdict;
    }
  }

  async #withKey(user: string, key: OfferedKey, attempt: Attempt): Promise<Verdict> {
    const { directory, upterm } = this.#options;
    const name = parseUserName(user);
    const proved = { line: key.line, fingerprint: fingerprint(key.blob) };
    if (user === PROVE_USER) {
      const isNamed = key.certificate === undefined && (await directory.isNamedKey(proved.fingerprint));
      return isNamed
        ? { kind: "unconfirmed", key: proved }
        : refused({ code: "unauthenticated", key: proved.fingerprint });
    }
    if (key.certificate !== undefined) {
      return this.#withCertificate(name, proved, key.certificate, attempt);
    }
    const account = await directory.accountByKey(proved.fingerprint);
    const session = upterm?.session(user);
    if (session?.mayJoin(key.blob) === true) {
      return accepted({ kind: "upterm", session, key: proved }, undefined);
    }
    if (account?.keyFrozen === true && !account.disabled) return frozen(account, proved);
    if (account !== undefined) return this.#withAccount(name, account, proved, undefined, attempt);
    if ((await this.#accountlessWorkspace(name)) !== undefined) {
      return this.#toTarget({ kind: "accountless", key: proved }, name, attempt);
    }
    return refused({ code: "unauthenticated", key: proved.fingerprint });
  }

  async #withToken(user: string, token: string, attempt: Attempt): Promise<Verdict> {
    const { directory } = this.#options;
    const name = parseUserName(user);
    try {
      const grant = await directory.authenticateOwnerToken(token);
      const workspace = await directory.workspace(grant.workspaceId);
      if (name.workspace === undefined || workspace === undefined || !isNamedBy(workspace, name.workspace)) {
        return refused({
          code: "workspace_unknown",
          banner: "This owner token is for a different workspace than the user name.",
          workspace: grant.workspaceId,
        });
      }
      return await this.#toTarget({ kind: "owner-token", grant }, name, attempt);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // Only the holder of a known token learns the reason: these codes occur for known tokens only.
      const known = ["token_expired", "token_revoked", "account_disabled", "forbidden"].includes(error.code);
      return refused({ code: error.code, ...(known ? { banner: error.message } : {}) });
    }
  }

  async #withCertificate(
    name: UserName,
    proved: ProvedKey,
    certificate: Certificate,
    attempt: Attempt,
  ): Promise<Verdict> {
    const account = await this.#certifiedAccount(certificate);
    if (account === undefined) return refused({ code: "unauthenticated", key: proved.fingerprint });
    try {
      this.#options.authorities?.check(certificate, account.name, attempt.address);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const key = proved.fingerprint;
      return refused({ code: error.code, banner: error.message, account: account.name, key });
    }
    // Its owner may fear that somebody has the key, and the certificate beside it.
    const holder = await this.#options.directory.accountByKey(proved.fingerprint);
    if (holder?.keyFrozen === true) return frozen(holder, proved);
    return this.#withAccount(name, account, proved, certificate, attempt);
  }

  async #withAccount(
    name: UserName,
    account: AccountRecord,
    key: ProvedKey,
    certificate: Certificate | undefined,
    attempt: Attempt,
  ): Promise<Verdict> {
    if (!account.disabled) {
      return this.#toTarget({ kind: "account", account, key, certificate }, name, attempt);
    }
    return refused({
      code: "account_disabled",
      banner: `The account ${account.name} is disabled. Ask an administrator of this gateway.`,
      account: account.name,
      key: key.fingerprint,
    });
  }

  async #toTarget(principal: Principal, name: UserName, { address, patience }: Attempt): Promise<Verdict> {
    const { directory, registry } = this.#options;
    if (name.workspace === undefined) return accepted(principal, undefined);
    let workspace: WorkspaceRecord;
    try {
      workspace = await reachableWorkspace(directory, principal, name.workspace);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== "workspace_unknown") throw error;
      return accepted(principal, undefined);
    }
    const who = {
      workspace: workspace.id,
      ...(principal.kind === "account" ? { account: principal.account.name } : {}),
      ...(principal.kind === "owner-token" ? {} : { key: principal.key.fingerprint }),
    };
    try {
      requireUnfrozen(workspace);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return refused({ code: error.code, banner: error.message, ...who });
    }
    const link = await registry.findForClient(
      workspace.id,
      patience,
      slotHolder(workspace, principal, address),
    );
    if (link !== undefined) return accepted(principal, { workspace, link });
    return refused({
      code: "workspace_offline",
      banner: `The workspace ${formatWorkspaceRef(name.workspace)} is offline: its host is not connected to this gateway.`,
      ...who,
    });
  }

  /** The accountless workspace whose id the user name is. */
  async #accountlessWorkspace(name: UserName): Promise<WorkspaceRecord | undefined> {
    if (name.workspace?.kind !== "id") return undefined;
    try {
      return await this.#options.directory.resolveWorkspace(name.workspace, null);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return undefined;
    }
  }

  /** A certificate's principals are names of accounts. The first that exists is used. */
  async #certifiedAccount(certificate: Certificate): Promise<AccountRecord | undefined> {
    for (const name of this.#options.authorities?.accounts(certificate) ?? []) {
      const account = await this.#options.directory.accountByName(name);
      if (account !== undefined) return account;
    }
    return undefined;
  }
}

function accepted(principal: Principal, target: Target | undefined): Verdict {
  return { kind: "accepted", signedIn: { principal, target } };
}

function refused(refusal: SignInRefusal): Verdict {
  return { kind: "refused", refusal };
}

function frozen({ name }: AccountRecord, { fingerprint: key }: ProvedKey): Verdict {
  return refused({
    code: "frozen",
    banner: "This key is frozen. Its owner can unfreeze it at the gateway.",
    account: name,
    key,
  });
}
