import type { AuditVerification } from "@mcpctl/shared/api/audit.ts";
import type { Checkpoint } from "../repositories/audit-interfaces.ts";
import type { AuditKeys } from "../repositories/audit-keys.ts";
import type { CheckpointFile } from "../repositories/checkpoint-file.ts";
import type { Database } from "../repositories/interfaces.ts";

const PAGE = 1_000;

export interface AuditTrailDeps {
  database: Pick<Database, "read">;
  keys: AuditKeys;
  file: CheckpointFile;
  /** Rows that one answer checks. */
  rowsAtATime?: number;
}

export type Bad = NonNullable<AuditVerification["bad"]>;

interface CheckpointRange {
  /** Of places, exclusive. */
  after: number;
  /** Inclusive. */
  through: number;
  /** Whether nothing should be behind it but what is new. */
  isEnd: boolean;
  /** The last place of the trail. */
  head: number;
  /** Of the rows in the range that are good. */
  hashes: ReadonlyMap<number, string>;
}

interface CheckedCheckpoints {
  checked: number;
  /** How many are outside the database as well. */
  outside: number;
  bad: Bad[];
}

/** Checks what was signed against the rows, and what the database has of it against the file outside. */
export async function checkCheckpoints(deps: AuditTrailDeps, range: CheckpointRange): Promise<CheckedCheckpoints> {
  const stored = new Map<number, Checkpoint>();
  const bad: Bad[] = [];
  let previous = await deps.database.read.auditCheckpoints.findUpTo(range.after);
  for (let after = range.after; ;) {
    const page = await deps.database.read.auditCheckpoints.listAfter(after, PAGE);
    const inRange = page.filter(({ seq }) => seq <= range.through);
    for (const checkpoint of inRange) {
      bad.push(...faultsOf(deps, range, { checkpoint, previous }));
      stored.set(checkpoint.seq, checkpoint);
      previous = checkpoint;
    }
    after = inRange.at(-1)?.seq ?? after;
    if (inRange.length < PAGE) break;
  }
  const compared = await compareWithFile(deps, range, stored);
  return { checked: stored.size, outside: compared.outside, bad: [...bad, ...compared.bad] };
}

interface Pair {
  checkpoint: Checkpoint;
  previous: Checkpoint | undefined;
}

function faultsOf({ keys }: AuditTrailDeps, range: CheckpointRange, { checkpoint, previous }: Pair): Bad[] {
  const { seq, hash, keyId } = checkpoint;
  const found = (fault: Bad["fault"], message: string): Bad[] => [{ seq, fault, message }];
  const answer = keys.check(checkpoint);
  if (answer === "unknown-key") {
    return found("checkpoint-unknown-key", `Its checkpoint was signed with key ${keyId}, which mcpd does not have`);
  }
  if (answer === "forged") return found("checkpoint-forged", "Its checkpoint does not bear the signature of the key");
  if (checkpoint.previous !== (previous?.mac ?? "")) {
    return found("checkpoint-missing", "The checkpoint before the one of this row is missing");
  }
  if (seq > range.head) return found("cut", `It was signed, and the trail ends at row ${range.head}`);
  const isThere = range.hashes.get(seq);
  if (isThere !== undefined && isThere !== hash) return found("recomputed", "It is not the row that was signed");
  return [];
}

async function compareWithFile(
  { database, keys, file }: AuditTrailDeps,
  { after, through, isEnd, head }: CheckpointRange,
  stored: ReadonlyMap<number, Checkpoint>,
): Promise<Pick<CheckedCheckpoints, "outside" | "bad">> {
  const bad: Bad[] = [];
  let outside = 0;
  for await (const checkpoint of file.read()) {
    if (!checkpoint) {
      bad.push({
        seq: after + 1,
        fault: "checkpoint-forged",
        message: "The file of checkpoints has a line that is none",
      });
      continue;
    }
    const { seq, mac } = checkpoint;
    if (seq <= after || (seq > through && !isEnd)) continue;
    if (stored.get(seq)?.mac === mac) outside += 1;
    else if (seq > through && (await database.read.auditCheckpoints.findUpTo(seq))?.mac === mac) continue;
    else if (keys.check(checkpoint) !== "valid") {
      bad.push({ seq, fault: "checkpoint-forged", message: "Its checkpoint in the file does not bear the signature" });
    } else if (seq > head)
      bad.push({ seq: head + 1, fault: "cut", message: `The trail went on to row ${seq} at least` });
    else
      bad.push({ seq, fault: "checkpoint-missing", message: "Its checkpoint is in the file and not in the database" });
  }
  return { outside, bad };
}
