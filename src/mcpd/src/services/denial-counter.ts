import { randomUUID } from "node:crypto";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { AuditEntry } from "../repositories/audit-interfaces.ts";
import type { Database } from "../repositories/interfaces.ts";

const WINDOW_MS = 5_000;
const MAX_KINDS = 1_000;

interface Repeats {
  /** The latest one. */
  entry: AuditEntry;
  count: number;
}

/** Keeps a flood of equal denials from becoming a flood of rows. */
export interface DenialCounter {
  /**
   * Records the first of its kind by `record`, at once, and counts those that follow it within some seconds. Equal are
   * denials of one principal from one place, for one verb on one resource.
   */
  isRepeated(entry: AuditEntry, record: () => Promise<void>): Promise<boolean>;
  /** Writes the counts, one row for each kind. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface DenialCounterDeps {
  database: Pick<Database, "transact">;
  log: Pick<Logger, "error">;
  /** How long equal ones are counted. */
  windowMs?: number;
  /** How many kinds are told apart at a time; the others are counted together. */
  maxKinds?: number;
}

export function createDenialCounter(deps: DenialCounterDeps): DenialCounter {
  const { database, log, windowMs = WINDOW_MS, maxKinds = MAX_KINDS } = deps;
  let kinds = new Map<string, Repeats>();

  async function flush(): Promise<void> {
    const counted = kinds;
    kinds = new Map();
    const entries = [...counted.values()]
      .filter(({ count }) => count > 0)
      .map(({ entry, count }) => ({ ...entry, id: randomUUID(), count }));
    if (entries.length === 0) return;
    try {
      await database.transact(({ auditEvents }) => auditEvents.append(entries));
    } catch (err) {
      log.error({ err }, "repeated denials cannot be recorded; it will be tried again");
      for (const [key, repeats] of counted) mergeInto(kinds, key, repeats);
    }
  }

  const timer = setInterval(() => void flush(), windowMs).unref();
  return {
    flush,
    async isRepeated(entry, record) {
      const isOther = kinds.size >= maxKinds && !kinds.has(keyOf(entry));
      const counted = isOther ? { ...entry, principal: "(several)", source: undefined, user: undefined } : entry;
      const key = keyOf(counted);
      const known = kinds.get(key);
      if (!known) {
        kinds.set(key, { entry: counted, count: isOther ? 1 : 0 });
        if (!isOther) await record();
        return isOther;
      }
      known.count += 1;
      known.entry = counted;
      return true;
    },
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

function keyOf({ principal, source, verb, resource, decidedBy }: AuditEntry): string {
  return JSON.stringify([principal, source, verb, resource, decidedBy]);
}

function mergeInto(kinds: Map<string, Repeats>, key: string, { entry, count }: Repeats): void {
  const newer = kinds.get(key);
  if (newer) newer.count += count;
  else kinds.set(key, { entry, count });
}
