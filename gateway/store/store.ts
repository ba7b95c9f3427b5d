// The gateway's durable state. A store owns the database, is the `Directory` that live connections use, and
// holds the parts that the API uses.

import { EventEmitter } from "node:events";
import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import type { PushedKey } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { TokenId, WorkspaceId } from "../../protocol/values/id.ts";
import type { Name, WorkspaceRef } from "../../protocol/values/name.ts";
import { AuditLog } from "../audit/audit.ts";
import type {
  AccountIdentity,
  AccountRecord,
  AuditEvent,
  Directory,
  Identity,
  KeyHolder,
  OwnerGrant,
  Registration,
  WorkspaceRecord,
} from "../directory.ts";
import type { DirectoryChange } from "../directory-change.ts";
import { Accounts } from "./accounts.ts";
import { AllWorkspaces } from "./administration/all-workspaces.ts";
import { PeopleView } from "./administration/people.ts";
import { LIMITS, type StoreContext } from "./context.ts";
import { migrate, requireCurrent } from "./database/migrations.ts";
import type { Tables } from "./database/schema.ts";
import { databaseBytes } from "./database/sqlite.ts";
import { Freezing } from "./freezing.ts";
import { HostKeyDecisions } from "./keys/host-key-decisions.ts";
import { PendingKeys } from "./keys/pending-keys.ts";
import { SshKeys } from "./keys/ssh-keys.ts";
import { Registrations } from "./registrations.ts";
import { Shares } from "./shares/shares.ts";
import { DeviceCodes } from "./sign-ins/device-codes.ts";
import { Identities } from "./sign-ins/identities.ts";
import { Invitations } from "./sign-ins/invitations.ts";
import { OAuthCodes } from "./sign-ins/oauth-codes.ts";
import { Passkeys } from "./sign-ins/passkeys.ts";
import { ProviderSignIns } from "./sign-ins/provider-sign-ins.ts";
import { ScimUsers } from "./sign-ins/scim-users.ts";
import { SignIns } from "./sign-ins/sign-ins.ts";
import { AccessTokens } from "./tokens/access-tokens.ts";
import { OwnerTokens } from "./tokens/owner-tokens.ts";
import { type Durability, Unwritten } from "./unwritten.ts";
import { Workspaces } from "./workspaces.ts";
import { writeRevocation } from "./write-revocation.ts";

interface StoreOptions {
  readonly log: Logger;
  readonly now?: () => Date;
  /** false: refuse a database of an older version instead of migrating it. */
  readonly migrate?: boolean;
  /**
   * Called with each change that this process makes, so that the other processes of the gateway can `follow`
   * it.
   */
  readonly onOwnChange?: (change: DirectoryChange, durability: Durability) => void;
  /** How many processes use the database. Missing: one. */
  readonly processes?: number;
}

export class Store implements Directory {
  readonly accounts: Accounts;
  readonly tokens: AccessTokens;
  readonly signIns: SignIns;
  readonly oauthCodes: OAuthCodes;
  readonly deviceCodes: DeviceCodes;
  readonly invitations: Invitations;
  readonly passkeys: Passkeys;
  readonly scimUsers: ScimUsers;
  readonly identities: Identities;
  readonly providerSignIns: ProviderSignIns;
  readonly keys: SshKeys;
  readonly pendingKeys: PendingKeys;
  readonly workspaces: Workspaces;
  readonly shares: Shares;
  readonly ownerTokens: OwnerTokens;
  readonly hostKeyDecisions: HostKeyDecisions;
  readonly auditLog: AuditLog;
  readonly unwritten: Unwritten;
  readonly freezing: Freezing;
  readonly people: PeopleView;
  readonly allWorkspaces: AllWorkspaces;
  readonly #registrations: Registrations;
  readonly #db: Kysely<Tables>;
  readonly #log: Logger;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #accountlessIds: Set<WorkspaceId>;

  /**
   * Takes over the database and closes it with the store, and also where opening fails.
   * @throws StartError
   */
  static async open(db: Kysely<Tables>, options: StoreOptions): Promise<Store> {
    try {
      await (options.migrate === false ? requireCurrent(db) : migrate(db));
      const rows = await db.selectFrom("workspaces").select("id").where("owner_id", "is", null).execute();
      return new Store(db, options, new Set(rows.map((row) => row.id)));
    } catch (error) {
      await db.destroy();
      throw error;
    }
  }

  private constructor(db: Kysely<Tables>, options: StoreOptions, accountlessIds: Set<WorkspaceId>) {
    const now = options.now ?? (() => new Date());
    this.#db = db;
    this.#log = options.log;
    this.#accountlessIds = accountlessIds;
    const isSecret = (id: string) => (accountlessIds as ReadonlySet<string>).has(id);
    this.auditLog = new AuditLog({ db, log: options.log, now, isSecret, processes: options.processes ?? 1 });
    const tell = (change: DirectoryChange, durability: Durability): void => {
      this.unwritten.follow(change, durability);
      this.#changed(change);
      options.onOwnChange?.(change, durability);
    };
    this.unwritten = new Unwritten({
      log: options.log,
      changed: tell,
      write: (revocation) => writeRevocation(context, revocation),
    });
    const context: StoreContext = {
      db,
      now,
      changed: (change) => tell(change, "written"),
      audit: (event) => this.audit(event),
      unwritten: this.unwritten,
      endToken: async (accountId, id, actor) => {
        try {
          await this.tokens.revoke(accountId, id, actor);
        } catch (error) {
          // Somebody else has ended it.
          if (!(error instanceof ProtocolError && error.code === "not_found")) throw error;
        }
      },
    };
    this.accounts = new Accounts(context);
    this.tokens = new AccessTokens(context);
    this.signIns = new SignIns(context);
    this.oauthCodes = new OAuthCodes(context);
    this.deviceCodes = new DeviceCodes(context);
    this.invitations = new Invitations(context);
    this.passkeys = new Passkeys(context);
    this.scimUsers = new ScimUsers(context, this.accounts);
    this.identities = new Identities(context);
    this.providerSignIns = new ProviderSignIns(context);
    this.keys = new SshKeys(context);
    this.pendingKeys = new PendingKeys(context, this.keys);
    this.workspaces = new Workspaces(context, accountlessIds);
    this.shares = new Shares(context);
    this.ownerTokens = new OwnerTokens(context);
    this.hostKeyDecisions = new HostKeyDecisions(context);
    this.freezing = new Freezing(context, this.accounts, this.signIns);
    this.people = new PeopleView(context);
    this.allWorkspaces = new AllWorkspaces(context);
    this.#registrations = new Registrations(context, this.workspaces, accountlessIds);
  }

  authenticate(bearer: string, address?: string): Promise<Identity> {
    return this.tokens.authenticate(bearer, address);
  }

  recheck(tokenId: TokenId): Promise<Identity> {
    return this.tokens.recheck(tokenId);
  }

  authenticateOwnerToken(bearer: string): Promise<OwnerGrant> {
    return this.ownerTokens.authenticate(bearer);
  }

  accountByKey(fingerprint: string): Promise<KeyHolder | undefined> {
    return this.keys.account(fingerprint);
  }

  async keyUsed(fingerprint: string, address: string): Promise<void> {
    try {
      await this.keys.used(fingerprint, address);
    } catch (error) {
      this.#log.error({ err: error }, "The last use of a key could not be noted.");
    }
  }

  isNamedKey(fingerprint: string): Promise<boolean> {
    return this.pendingKeys.isNamed(fingerprint);
  }

  confirmKey(fingerprint: string, code: string, address: string): Promise<Name> {
    return this.pendingKeys.confirm(fingerprint, code, address);
  }

  async accountByName(name: Name): Promise<AccountRecord | undefined> {
    const row = await this.accounts.byName(name);
    return row === undefined ? undefined : { id: row.id, name: row.name, disabled: row.disabled === 1 };
  }

  resolveWorkspace(ref: WorkspaceRef, identity: AccountIdentity | null): Promise<WorkspaceRecord> {
    return this.workspaces.resolve(ref, identity);
  }

  workspace(id: WorkspaceId): Promise<WorkspaceRecord | undefined> {
    return this.workspaces.get(id);
  }

  findRegistered(
    identity: Identity | null,
    name: Name,
    workspaceId: WorkspaceId | null,
  ): Promise<WorkspaceRecord | undefined> {
    return this.#registrations.find(identity, name, workspaceId);
  }

  register(registration: Registration): Promise<WorkspaceRecord> {
    return this.#registrations.register(registration);
  }

  seen(id: WorkspaceId): Promise<void> {
    return this.workspaces.seen(id);
  }

  pushedKeys(id: WorkspaceId): Promise<PushedKey[]> {
    return this.keys.pushed(id);
  }

  onChange(listener: (change: DirectoryChange) => void): () => void {
    this.#changes.on("change", listener);
    return () => this.#changes.off("change", listener);
  }

  /** Another process has made this change, or is trying to. @param from the process */
  follow(change: DirectoryChange, durability: Durability = "written", from?: object): void {
    this.unwritten.follow(change, durability, from);
    if (change.kind === "workspace" && change.accountless === true) this.#accountlessIds.add(change.id);
    this.#changed(change);
    if (change.kind === "workspace-removed") this.#accountlessIds.delete(change.id);
  }

  audit(event: AuditEvent): void {
    this.auditLog.write(event);
  }

  /** Whether the database answers. */
  async isReady(): Promise<boolean> {
    try {
      await sql`select 1`.execute(this.#db);
      return true;
    } catch (error) {
      this.#log.error({ err: error }, "The database does not answer.");
      return false;
    }
  }

  /** How large the database is. */
  bytes(): Promise<number> {
    return databaseBytes(this.#db);
  }

  /** Deletes what is no longer needed. Called at the start and once an hour. */
  async prune(isOnline: (id: WorkspaceId) => boolean): Promise<void> {
    await this.workspaces.pruneAccountless(isOnline);
    await this.tokens.prune();
    await this.signIns.prune();
    await this.oauthCodes.prune();
    await this.deviceCodes.prune();
    await this.invitations.prune();
    await this.ownerTokens.prune();
    await this.pendingKeys.prune();
    await this.auditLog.prune(LIMITS.auditRows);
  }

  async close(): Promise<void> {
    this.unwritten.close();
    try {
      await this.auditLog.flush();
    } finally {
      await this.#db.destroy();
    }
  }

  /** A listener that throws must not keep the others from hearing of a revoked token. */
  #changed(change: DirectoryChange): void {
    for (const listener of this.#changes.listeners("change")) {
      try {
        listener(change);
      } catch (error) {
        this.#log.error({ err: error, change: change.kind }, "A listener failed on a change.");
      }
    }
  }
}
