import { isDeepStrictEqual } from "node:util";
import type { Resource } from "../../src/shared/src/kinds/kind.ts";
import { addressOf, type LoggedChange, PREFIX, TAG } from "./ledger.ts";
import { WRITTEN_KINDS } from "./workload.ts";

/** What the change log says was done, and by which writes. */
export interface Effects {
  byVersion: ReadonlyMap<number, LoggedChange>;
  /** By the id that a write leaves as a tag. */
  byWrite: ReadonlyMap<string, readonly LoggedChange[]>;
  /** By the address of what was deleted. */
  deletions: ReadonlyMap<string, readonly LoggedChange[]>;
  /** By the address of the token. */
  revocations: ReadonlyMap<string, readonly LoggedChange[]>;
  /** Changes that no write can have made. */
  unexplained: readonly LoggedChange[];
  /** The last change of each address; a deletion where the object is gone. */
  last: ReadonlyMap<string, LoggedChange>;
}

/** @param log - every change, sorted by version. */
export function toEffects(log: readonly LoggedChange[]): Effects {
  const last = new Map<string, LoggedChange>();
  const [byWrite, deletions, revocations] = [newIndex(), newIndex(), newIndex()];
  const unexplained: LoggedChange[] = [];
  for (const change of log) {
    const address = addressOf(change.plural, change.object.metadata);
    const before = last.get(address);
    last.set(address, change);
    if (!isWritten(change)) continue;
    const [tag, ...others] = newTags(change.object, before);
    if (change.type === "DELETED") add(deletions, address, change);
    else if (tag !== undefined && others.length === 0) add(byWrite, tag, change);
    else if (isRevocation(change, before)) add(revocations, address, change);
    else if (!isOnlyStatus(change, before)) unexplained.push(change);
  }
  const byVersion = new Map(log.map((change) => [change.version, change]));
  return { byVersion, byWrite, deletions, revocations, unexplained, last };
}

/** Whether the ledger speaks of it; the rest belongs to mcpd and to the demo. */
function isWritten({ plural, object }: Pick<LoggedChange, "plural" | "object">): boolean {
  return object.metadata.name.startsWith(PREFIX) && WRITTEN_KINDS.some((kind) => kind.plural === plural);
}

function newIndex(): Map<string, LoggedChange[]> {
  return new Map();
}

function add(index: Map<string, LoggedChange[]>, key: string, change: LoggedChange): void {
  index.set(key, [...(index.get(key) ?? []), change]);
}

function newTags(object: Resource, before: LoggedChange | undefined): string[] {
  const old = before && before.type !== "DELETED" ? tagsOf(before.object) : [];
  return tagsOf(object).filter((tag) => !old.includes(tag));
}

function tagsOf({ metadata }: Resource): string[] {
  const tags = Object.entries(metadata.annotations).filter(([key]) => key.split(".")[0] === TAG);
  return tags.map(([, tag]) => tag);
}

function isRevocation(change: LoggedChange, before: LoggedChange | undefined): boolean {
  return isOnlyStatus(change, before) && isRevoked(change) && !isRevoked(before);
}

export function isRevoked(change: LoggedChange | undefined): boolean {
  const status = change?.object.status;
  return typeof status === "object" && status !== null && "revokedAt" in status;
}

function isOnlyStatus(change: LoggedChange, before: LoggedChange | undefined): boolean {
  return (
    before !== undefined && before.type !== "DELETED" && isDeepStrictEqual(wanted(change.object), wanted(before.object))
  );
}

/** What only a client writes. */
function wanted({ metadata, spec }: Resource) {
  const { labels, annotations, uid, generation, createdAt } = metadata;
  return { labels, annotations, uid, generation, createdAt, spec };
}
