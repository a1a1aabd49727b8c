import { isDeepStrictEqual } from "node:util";
import type { ErrorCode } from "../../src/shared/src/errors.ts";
import type { Resource } from "../../src/shared/src/kinds/kind.ts";
import type { Effects } from "./effects.ts";
import { addressOf, describeOperation, type Entry, type LoggedChange, type Violation } from "./ledger.ts";

/** Refusals that clients who meet on one name must expect. */
const EXPECTED: readonly ErrorCode[] = ["conflict", "already-exists", "not-found", "invalid"];

/**
 * Compares what clients were told with what the change log says: what was acknowledged is there, as it was
 * acknowledged; what was refused is not; what was never answered is there as a whole or not at all.
 */
export function checkWrites(entries: readonly Entry[], effects: Effects): Violation[] {
  const ids = new Set(entries.map(({ id }) => id));
  const foreign = [...effects.byWrite].filter(([id]) => !ids.has(id)).flatMap(([, changes]) => changes);
  return [
    ...entries.flatMap((entry) => checkEntry(entry, effects)),
    ...[...foreign, ...effects.unexplained].map((change) => unexplained(change)),
  ];
}

function checkEntry(entry: Entry, effects: Effects): Violation[] {
  const { outcome } = entry;
  const name = describeOperation(entry);
  const made = effects.byWrite.get(entry.id) ?? [];
  if (outcome.answer === "refused") {
    const surprise: Violation = { kind: "unexplained", what: `${name} was refused with ${outcome.code}` };
    const stored: Violation = { kind: "unexplained", what: `${name} was refused and stored all the same` };
    return [...(EXPECTED.includes(outcome.code) ? [] : [surprise]), ...(made.length > 0 ? [stored] : [])];
  }
  if (made.length > 1) return [{ kind: "unexplained", what: `${name} was stored ${made.length} times` }];
  const halves = made.filter(({ object }) => !holdsSent(object, entry)).map(() => half(name, "was stored in part"));
  return outcome.answer === "stored" ? [...halves, ...checkStored(entry, outcome.resource, effects)] : halves;
}

function checkStored(entry: Entry, resource: Resource, effects: Effects): Violation[] {
  const name = describeOperation(entry);
  const change = changeOf(entry, resource, effects);
  if (!change) return [{ kind: "lost", what: `${name} was acknowledged and is not in the change log` }];
  return isDeepStrictEqual(change.object, toldBy(change, resource))
    ? []
    : [half(name, "was stored otherwise than acknowledged")];
}

function changeOf({ verb, kind, object }: Entry, { metadata }: Resource, effects: Effects): LoggedChange | undefined {
  if (verb !== "delete") return effects.byVersion.get(Number(metadata.resourceVersion));
  const deletions = effects.deletions.get(addressOf(kind.plural, object)) ?? [];
  return deletions.find((change) => change.object.metadata.uid === metadata.uid);
}

/** A deletion answers with what was deleted, as it was last written, and is told with a version of its own. */
function toldBy({ type, version }: LoggedChange, resource: Resource): Resource {
  if (type !== "DELETED") return resource;
  return { ...resource, metadata: { ...resource.metadata, resourceVersion: String(version) } };
}

/** Whatever was sent must be there; a create or an update leaves nothing else. */
function holdsSent({ metadata, spec }: Resource, { verb, manifest }: Entry): boolean {
  if (!manifest) return true;
  const { labels, annotations } = manifest.metadata;
  const isWhole = verb !== "apply";
  const notes = { labels: metadata.labels, annotations: metadata.annotations };
  if (isWhole && !isDeepStrictEqual(notes, { labels, annotations })) return false;
  return contains(notes, { labels, annotations }) && contains(spec, manifest.spec ?? {});
}

/** Lists hold members of other managers as well, in any order. */
function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((item) => whole.some((candidate) => contains(candidate, item)));
  }
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null) return false;
  const members = new Map(Object.entries(whole));
  return Object.entries(part).every(([key, value]) => contains(members.get(key), value));
}

function half(name: string, what: string): Violation {
  return { kind: "half", what: `${name} ${what}` };
}

function unexplained({ version, type, plural, object }: LoggedChange): Violation {
  const address = addressOf(plural, object.metadata);
  return { kind: "unexplained", what: `version ${version} (${type} ${address}) comes from no write of the ledger` };
}
