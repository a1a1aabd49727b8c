import { isDeepStrictEqual } from "node:util";
import { type Kind, type Resource } from "../../src/shared/src/kinds/kind.ts";
import { metadataSchema } from "../../src/shared/src/kinds/metadata.ts";
import { addressOf, type LoggedChange, type Violation } from "./ledger.ts";

/** One kind as a list answers it. */
export interface Listed {
  kind: Kind;
  /** The list shows everything up to this version, and perhaps more. */
  version: number;
  items: readonly Resource[];
}

/** Compares a list with the change log: the same objects, in the state of their last change, whole. */
export function checkObjects({ kind, version, items }: Listed, log: readonly LoggedChange[]): Violation[] {
  const own = log.filter(({ plural }) => plural === kind.plural);
  const byAddress = Map.groupBy(own, ({ object }) => addressOf(kind.plural, object.metadata));
  const listed = new Map(items.map((item) => [addressOf(kind.plural, item.metadata), item]));
  return [...new Set([...byAddress.keys(), ...listed.keys()])].flatMap((address) => {
    const item = listed.get(address);
    const upTo = Math.max(version, Number(item?.metadata.resourceVersion ?? 0));
    const last = byAddress.get(address)?.findLast((change) => change.version <= upTo);
    const isThere = last !== undefined && last.type !== "DELETED";
    if (!item) return isThere ? [lost(`${address} is gone, though version ${last.version} wrote it`)] : [];
    if (!isThere) return [lost(`${address} is there, though the change log says that it was deleted`)];
    return [...checkItem(kind, item), ...checkState(kind, item, last)];
  });
}

/** Whether it is an object of its kind, with nothing missing. */
function checkItem(kind: Kind, item: Resource): Violation[] {
  const metadata = metadataSchema.safeParse(item.metadata);
  const spec = kind.spec.safeParse(item.spec);
  const status = kind.status.optional().safeParse(item.status);
  const fault = metadata.error ?? spec.error ?? status.error;
  return fault ? [{ kind: "half", what: `${addressOf(kind.plural, item.metadata)}: ${fault.message}` }] : [];
}

function checkState(kind: Kind, item: Resource, last: LoggedChange): Violation[] {
  const { resourceVersion } = item.metadata;
  const isSame = Number(resourceVersion) === last.version && isDeepStrictEqual(stored(item), stored(last.object));
  const address = addressOf(kind.plural, item.metadata);
  return isSame ? [] : [lost(`${address} (version ${resourceVersion}) is not what version ${last.version} wrote`)];
}

/** Without what is added when it is read: the last use of a token. */
function stored({ metadata, spec, status }: Resource) {
  if (typeof status !== "object" || status === null) return { metadata, spec, status };
  const { lastUsedAt: _, ...rest } = status as { lastUsedAt?: string };
  return { metadata, spec, status: rest };
}

function lost(what: string): Violation {
  return { kind: "lost", what };
}
