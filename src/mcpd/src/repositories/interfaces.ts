import type { FieldOwner } from "@mcpctl/shared/kinds/metadata.ts";
import type { Gateway } from "@mcpctl/shared/kinds/gateways.ts";
import type { Resource, ResourceRef } from "@mcpctl/shared/kinds/kind.ts";
import type { McpToken } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { OidcIdentity, User } from "@mcpctl/shared/kinds/users.ts";
import type { AuditCheckpointRepository, AuditEventRepository } from "./audit-interfaces.ts";

/** What a writer decides about a resource; the repository adds uid, versions and times. */
export interface ResourceContent {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  managedFields: FieldOwner[];
  spec: unknown;
  /** Values that are kept apart from the spec have changed, which counts as a change of it. */
  hasNewSecrets?: boolean;
}

export interface ResourceQuery {
  plural: string;
  /** Only this project; absent means all of them. */
  project?: string | undefined;
  /** Only these names; absent means all of them. */
  names?: ReadonlySet<string> | undefined;
  /** Only resources that carry all of these labels. */
  labels?: Readonly<Record<string, string>> | undefined;
  limit?: number | undefined;
  /** Continues behind this resource. */
  after?: { project: string; name: string } | undefined;
}

/**
 * Resources of every kind. Each write draws the next resourceVersion and leaves a row in the change log.
 *
 * The type parameter is what the caller knows of the plural that it names: rows were parsed by the schema of their kind
 * when they were written.
 */
export interface ResourceRepository {
  /** `ref.name` may also be a uid. */
  find<R extends Resource = Resource>(ref: ResourceRef): Promise<R | undefined>;
  /** Sorted by project, then name, by code point. */
  list<R extends Resource = Resource>(query: ResourceQuery): Promise<R[]>;
  /** @throws {McpctlError} `already-exists` */
  insert<R extends Resource = Resource>(
    ref: ResourceRef,
    kind: string,
    content: ResourceContent,
    status?: R["status"],
  ): Promise<R>;
  /**
   * Writes labels, annotations, owners and spec where the version still is the expected one. `generation` rises only
   * when the spec changed. What is equal already is left as it is, without a new version.
   *
   * @throws {McpctlError} `conflict` when the version is another, `not-found` when the resource is gone.
   */
  replace(ref: ResourceRef, content: ResourceContent, expectedVersion: string): Promise<Resource>;
  /**
   * Writes the status alone, without a version check. An equal status is left as it is, without a new version.
   *
   * @returns undefined when the resource is gone.
   */
  replaceStatus<R extends Resource = Resource>(ref: ResourceRef, status: R["status"]): Promise<R | undefined>;
  /**
   * @returns what was deleted, or undefined when there was nothing.
   * @throws {McpctlError} `conflict` when an expected version is given and the resource has another.
   */
  delete(ref: ResourceRef, expectedVersion?: string): Promise<Resource | undefined>;
}

export interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED";
  resourceVersion: string;
  plural: string;
  /** The resource as it was written; for DELETED, as it was last. */
  object: Resource;
}

/** The log that watches read. Versions are handed out in the order of commits. */
export interface ChangeRepository {
  /** The version of the newest committed change; "0" when there is none. */
  latestVersion(): Promise<string>;
  /** The version that a watch must at least start from, so that nothing is missing; "0" when nothing was pruned. */
  oldestVersion(): Promise<string>;
  /**
   * Changes behind a version, oldest first.
   *
   * @throws {McpctlError} `resource-version-too-old` when some of them were pruned, which one snapshot decides.
   */
  listSince(version: string, limit: number): Promise<Change[]>;
  /** Forgets all but the newest `keep` changes. */
  prune(keep: number): Promise<void>;
}

export interface CredentialRepository {
  /** The PHC string of the password, or undefined when the user has none. */
  findPasswordHash(userUid: string): Promise<string | undefined>;
  setPasswordHash(userUid: string, passwordHash: string): Promise<void>;
  /** The user whose spec names this identity of an OpenID provider. */
  findUserByIdentity(identity: OidcIdentity): Promise<User | undefined>;
}

/** How a session was opened: with a password, through an OpenID provider, or by mcpd itself. */
export type LoginMethod = "password" | "oidc" | "local";

export interface NewSession {
  sha: string;
  userUid: string;
  ttlSeconds: number;
  /** Ends the session when it is not used for so long; never when absent. */
  idleSeconds?: number | undefined;
  method?: LoginMethod | undefined;
  /** Where the login came from; "" when it came from no network. */
  address?: string | undefined;
}

/** A session as its owner may see it. */
export interface SessionRow {
  id: string;
  sha: string;
  method: string;
  address: string;
  createdAt: string;
  lastUsedAt: string;
  /** When it ends at the latest. */
  expiresAt: string;
}

/** Login sessions, by the SHA-256 of their bearer. Judged by the database's clock. */
export interface SessionRepository {
  /** @returns when it ends. */
  insert(session: NewSession): Promise<{ expiresAt: string }>;
  /** @returns the user of a session that has not ended, or undefined. */
  findUser(sha: string): Promise<User | undefined>;
  delete(sha: string): Promise<void>;
  deleteOfUser(userUid: string): Promise<void>;
  /** Sessions of a user that have not ended, newest first. */
  listOfUser(userUid: string): Promise<SessionRow[]>;
  /** @returns whether the user had such a session. */
  deleteById(userUid: string, id: string): Promise<boolean>;
  /** Remembers that sessions were used now. */
  touch(shas: readonly string[]): Promise<void>;
  deleteExpired(): Promise<void>;
}

export interface TokenRow {
  token: McpToken;
  creator: User;
  /** Whether it has ended, by the database's clock. */
  isExpired: boolean;
  isRevoked: boolean;
}

/**
 * What an McpToken has besides its resource: its hash, and the relations that delete it with its project or creator.
 * Expiry and revocation live in the resource's status.
 */
export interface McpTokenRepository {
  /** @throws {McpctlError} `already-exists` when the hash is taken. */
  insert(row: { uid: string; sha: string; projectUid: string; creatorUid: string }): Promise<void>;
  findBySha(sha: string): Promise<TokenRow | undefined>;
  /** Tokens of a project or a creator, for deleting them before it. */
  listByOwner(owner: { projectUid: string } | { creatorUid: string }): Promise<McpToken[]>;
  /** Remembers that tokens were used now. */
  touch(shas: readonly string[]): Promise<void>;
  /** @returns last uses by the uid of the token. */
  lastUses(uids: readonly string[]): Promise<Map<string, string>>;
}

/** The values of the marked fields of one object, sealed: an envelope that only a key ring opens. */
export interface SealedSecrets {
  /** Id of the key that `wrappedKey` is encrypted with. */
  keyId: string;
  /** Base64 of the encrypted data key that the values are encrypted with. */
  wrappedKey: string;
  /** Base64 of each encrypted value, by its path. */
  values: Record<string, string>;
}

export interface SealedRow {
  uid: string;
  sealed: SealedSecrets;
  /** The object as it was in the same moment. */
  resource: Resource;
}

/** Envelopes by the object that they belong to; they go with it. */
export interface SecretRepository {
  /** An object and its envelope, of one moment. */
  find(ref: ResourceRef): Promise<{ resource: Resource; sealed: SealedSecrets | undefined } | undefined>;
  /** Replaces the envelope of an object. */
  put(uid: string, sealed: SealedSecrets): Promise<void>;
  delete(uid: string): Promise<void>;
  /** Ids of the keys that envelopes need. */
  keyIds(): Promise<string[]>;
  /** Envelopes that need another key than this, locked until the end of the transaction. */
  listOfOtherKeys(keyId: string, limit: number): Promise<SealedRow[]>;
  /** How many there are that need another key than this. */
  countOfOtherKeys(keyId: string): Promise<number>;
}

/** Credentials of gateways, by their SHA-256. */
export interface GatewayRepository {
  insert(row: { uid: string; sha: string }): Promise<void>;
  findBySha(sha: string): Promise<Gateway | undefined>;
}

export interface Repositories {
  resources: ResourceRepository;
  changes: ChangeRepository;
  credentials: CredentialRepository;
  sessions: SessionRepository;
  mcpTokens: McpTokenRepository;
  secrets: SecretRepository;
  gateways: GatewayRepository;
  auditEvents: AuditEventRepository;
  auditCheckpoints: AuditCheckpointRepository;
  /** The database's clock, RFC 3339. */
  now(): Promise<string>;
  /**
   * Makes this transaction the only writer from here to its end, and not just from its first write: what it reads now
   * is what it will overwrite.
   */
  lockWrites(): Promise<void>;
}

/** The door to storage. */
export interface Database extends AsyncDisposable {
  engine: "postgresql" | "pglite";
  /** Outside of any transaction. */
  read: Repositories;
  /**
   * Runs the work in one transaction and commits when it resolves. Writers take turns from their first write to their
   * commit, so that a version never becomes visible before a smaller one. The work may run again, when the database asks
   * for it after a deadlock, and must use no repositories but the ones it is given.
   *
   * @throws {McpctlError} `database-unavailable` when the connection is lost; nothing is known to be committed then.
   */
  transact<T>(work: (repositories: Repositories) => Promise<T>): Promise<T>;
  /**
   * Calls back after commits that left a change, also those of other processes; may call back for nothing.
   *
   * @returns what ends it.
   */
  onCommit(listener: () => void): () => void;
  /** @throws {McpctlError} `database-unavailable` */
  ping(): Promise<void>;
}
