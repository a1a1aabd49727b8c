import type { AuditEvent, AuditList, AuditQuery, AuditVerification } from "@mcpctl/shared/api/audit.ts";
import { hashRow } from "../repositories/audit-chain.ts";
import type { AuditRow, Checkpoint } from "../repositories/audit-interfaces.ts";
import type { Database } from "../repositories/interfaces.ts";
import { type AuditTrailDeps, type Bad, checkCheckpoints } from "./audit-checkpoint-check.ts";
import { hashBefore } from "./audit-checkpoints.service.ts";

const PAGE = 1_000;
const ROWS_AT_A_TIME = 20_000;
const MAX_ATTEMPTS = 10;

export type AuditTrailService = ReturnType<typeof createAuditTrailService>;

/** Reads the trail, and finds out whether it is as it was written. */
export function createAuditTrailService(deps: AuditTrailDeps) {
  const { database } = deps;
  return {
    /** Newest first. */
    async list({ continue: before, limit, ...filter }: AuditQuery): Promise<AuditList> {
      const query = { ...filter, limit: limit + 1, ...(before !== undefined && { before: Number(before) }) };
      const rows = await database.read.auditEvents.list(query);
      const items = rows.slice(0, limit).map(toEvent);
      const last = items.at(-1);
      return { items, metadata: { ...(rows.length > limit && last && { continue: String(last.seq) }) } };
    },

    /**
     * Checks rows and checkpoints behind a place, as many as one answer can take. What was dropped while it looked is
     * looked at again.
     */
    async verify(after = 0): Promise<AuditVerification> {
      for (let attempt = 1; ; attempt += 1) {
        const { keptFrom, ...answer } = await verifyPart(deps, after);
        const isSettled = answer.bad === undefined || keptFrom === (await latestOf(deps)).keptFrom;
        if (isSettled || attempt === MAX_ATTEMPTS) return answer;
      }
    },
  };
}

function toEvent({ at, ...row }: AuditRow): AuditEvent {
  return { ...row, time: at };
}

async function latestOf({ database }: AuditTrailDeps): Promise<Pick<Checkpoint, "seq" | "keptFrom">> {
  return (await database.read.auditCheckpoints.latest()) ?? { seq: 0, keptFrom: 1 };
}

async function verifyPart(deps: AuditTrailDeps, after: number): Promise<AuditVerification & { keptFrom: number }> {
  const { rowsAtATime = ROWS_AT_A_TIME } = deps;
  // Before the end of the trail, so that a checkpoint behind that end is not just a new one.
  const { keptFrom, seq: lastSigned } = await latestOf(deps);
  const head = await deps.database.read.auditEvents.head();
  const rows = await checkRows(deps, { after, keptFrom, head, limit: rowsAtATime });
  const { isComplete, through, hashes } = rows;
  const last = Math.max(head.seq, lastSigned);
  const range = { after, through: isComplete ? last : through, isEnd: isComplete, head: head.seq, hashes };
  const signed = await checkCheckpoints(deps, range);
  const [bad] = [...rows.bad, ...signed.bad].toSorted((a, b) => a.seq - b.seq);
  return {
    keptFrom,
    through,
    isComplete,
    rows: hashes.size,
    checkpoints: signed.checked,
    outside: signed.outside,
    ...(bad && { bad }),
  };
}

interface RowRange {
  after: number;
  keptFrom: number;
  head: Awaited<ReturnType<Database["read"]["auditEvents"]["head"]>>;
  limit: number;
}

interface CheckedRows {
  /** By place. */
  hashes: Map<number, string>;
  through: number;
  isComplete: boolean;
  bad: Bad[];
}

async function checkRows(deps: AuditTrailDeps, range: RowRange): Promise<CheckedRows> {
  const { after, keptFrom, head } = range;
  const start = Math.max(after, keptFrom - 1);
  const outside = after === 0 ? rowsOutside(range) : [];
  const before = await startingHash(deps, after, keptFrom);
  const none = { hashes: new Map<number, string>(), through: start, isComplete: true };
  if (outside.length > 0) return { ...none, bad: outside };
  if (before === undefined) {
    return { ...none, bad: [{ seq: start + 1, fault: "missing", message: `Nothing proves what stood before it` }] };
  }
  const walked = await walk(deps, { ...range, start, before });
  const isComplete = walked.bad.length > 0 || walked.through === head.seq;
  return { ...walked, isComplete };
}

/** What has no place in the trail, or one that it cannot have. */
function rowsOutside({ keptFrom, head }: RowRange): Bad[] {
  const bad = (seq: number, message: string): Bad => ({ seq, fault: "inserted", message });
  return [
    ...(head.unplacedRows > 0 ? [bad(0, `${head.unplacedRows} rows have no place in the trail`)] : []),
    ...(head.firstRow > 0 && head.firstRow < keptFrom ? [bad(head.firstRow, "Rows before it were dropped")] : []),
    ...(head.lastRow > head.seq ? [bad(head.seq + 1, `The trail ends at row ${head.seq}`)] : []),
  ];
}

async function startingHash({ database }: AuditTrailDeps, after: number, keptFrom: number) {
  if (after < keptFrom) return hashBefore(database.read, keptFrom);
  const [row] = await database.read.auditEvents.listAfter(after - 1, 1);
  return row?.seq === after ? row.hash : undefined;
}

async function walk(
  { database }: AuditTrailDeps,
  { start, before, head, limit }: RowRange & { start: number; before: string },
): Promise<Omit<CheckedRows, "isComplete">> {
  const hashes = new Map<number, string>();
  let through = start;
  let previous = before;
  let time: string | undefined;
  const stop = (fault: Bad["fault"], message: string) => {
    const bad: Bad = { seq: through + 1, fault, message, ...(time !== undefined && { time }) };
    return { hashes, through, bad: [bad] };
  };
  while (through < head.seq && hashes.size < limit) {
    const rows = await database.read.auditEvents.listAfter(through, Math.min(PAGE, limit - hashes.size));
    const inTrail = rows.filter(({ seq }) => seq <= head.seq);
    if (inTrail.length === 0) return stop("cut", `The trail should go on to row ${head.seq}`);
    for (const { hash, ...row } of inTrail) {
      if (row.seq > through + 1) return stop("missing", `The next row is ${row.seq}`);
      if (row.seq <= through) return stop("inserted", `There is more than one row ${row.seq}`);
      if (hashRow(previous, row) !== hash) return stop("edited", "The row, or the one before it, is not as it was");
      [through, previous, time] = [row.seq, hash, row.at];
      hashes.set(through, hash);
    }
  }
  if (through === head.seq && previous !== head.hash) {
    return {
      hashes,
      through,
      bad: [{ seq: through, fault: "recomputed", message: "It is not the row that was last" }],
    };
  }
  return { hashes, through, bad: [] };
}
