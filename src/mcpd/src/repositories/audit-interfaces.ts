/** An event before it has its place in the trail. */
export interface AuditEntry {
  /** Never used for another event. */
  id: string;
  /** When it happened, RFC 3339 to the millisecond, where somebody else recorded it; now when absent. */
  at?: string | undefined;
  /** Address of an unknown caller, or the principal that sent a recorded event. */
  source?: string | undefined;
  requestId?: string | undefined;
  /** Principal in words, such as `User:alice`. */
  principal: string;
  /** The user itself, or the creator of the token. */
  user?: string | undefined;
  tokenName?: string | undefined;
  /** Hex. */
  tokenSha?: string | undefined;
  project?: string | undefined;
  verb: string;
  resource: string;
  name?: string | undefined;
  server?: string | undefined;
  tool?: string | undefined;
  decision: "allow" | "deny";
  /** The binding that decided, or why none did. */
  decidedBy: string;
  outcome: "success" | "failure" | "cancelled";
  code?: string | undefined;
  /** How many equal events it stands for. */
  count: number;
  durationMs?: number | undefined;
  requestBytes?: number | undefined;
  replyBytes?: number | undefined;
}

/** An event in its place. */
export interface AuditRow extends AuditEntry {
  /** Without gaps, from 1. */
  seq: number;
  at: string;
  /** When it was stored, for events that somebody else recorded. */
  receivedAt?: string | undefined;
  /** Hex SHA-256 of the hash before it and of the row. */
  hash: string;
}

/** Where the trail ends. */
export interface AuditHead {
  /** 0 for an empty trail. */
  seq: number;
  hash: string;
}

export interface AuditRowQuery {
  /** Name, or what the hex hash begins with. */
  token?: string | undefined;
  user?: string | undefined;
  project?: string | undefined;
  /** Inclusive. */
  since?: string | undefined;
  /** Exclusive. */
  until?: string | undefined;
  decision?: "allow" | "deny" | undefined;
  verb?: string | undefined;
  resource?: string | undefined;
  /** Only older rows than this one. */
  before?: number | undefined;
  limit: number;
}

/** The audit trail. Rows are added and, as whole segments, dropped; nothing ever changes one. */
export interface AuditEventRepository {
  /**
   * Adds events at the end of the trail, in order, and keeps everybody else from writing until the commit. Only inside a
   * transaction.
   *
   * @throws {McpctlError} `already-exists` when an id is taken.
   */
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** @returns those of the ids that are in the trail. */
  findIds(ids: readonly string[]): Promise<Set<string>>;
  /** Newest first. */
  list(query: AuditRowQuery): Promise<AuditRow[]>;
  /** Behind a place, oldest first. */
  listAfter(seq: number, limit: number): Promise<AuditRow[]>;
  /** Where the trail ends, as it was noted, and what the rows say to it. */
  head(): Promise<AuditHead & { lastRow: number; firstRow: number; unplacedRows: number }>;
  /** Forgets rows up to and including this one. */
  dropThrough(seq: number): Promise<void>;
}

/** What the key signs: how the trail stood at one moment. */
export interface CheckpointContent {
  /** The last row that it covers. */
  seq: number;
  /** Hash of that row. */
  hash: string;
  at: string;
  /** Whether a segment ends here: only so far rows may be dropped. */
  endsSegment: boolean;
  /** The oldest row that must still be there. */
  keptFrom: number;
  /** `mac` of the checkpoint before; empty for the first. */
  previous: string;
}

export interface Checkpoint extends CheckpointContent {
  /** Which key. */
  keyId: string;
  /** Hex HMAC-SHA-256. */
  mac: string;
}

/** Checkpoints are kept for good, also when their rows are dropped. */
export interface AuditCheckpointRepository {
  insert(checkpoint: Checkpoint): Promise<void>;
  latest(): Promise<Checkpoint | undefined>;
  /** The last checkpoint at or before a place. */
  findUpTo(seq: number): Promise<Checkpoint | undefined>;
  /** The last end of a segment, where a time is given the last one before it. */
  latestSegmentEnd(before?: string): Promise<Checkpoint | undefined>;
  /** Behind a place, oldest first. */
  listAfter(seq: number, limit: number): Promise<Checkpoint[]>;
}
