import { randomUUID } from "node:crypto";
import type { Logger } from "@mcpctl/shared/log.ts";
import { GENESIS } from "../repositories/audit-chain.ts";
import type { AuditKeys } from "../repositories/audit-keys.ts";
import type { CheckpointFile } from "../repositories/checkpoint-file.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import { toAuditEntry } from "./audit-entry.ts";
import { systemContext } from "./request-context.ts";

const EVERY_MS = 60_000;
const SEGMENT_ROWS = 10_000;
const DAY_MS = 86_400_000;
const PAGE = 1_000;

export interface AuditCheckpointsDeps {
  database: Pick<Database, "read" | "transact">;
  keys: AuditKeys;
  file: CheckpointFile;
  log: Pick<Logger, "error" | "warn">;
  retentionDays: number;
  /** A segment ends when it has so many rows, or when a day begins. */
  segmentRows?: number;
}

export interface AuditCheckpoints {
  /** Signs how the trail stands now, in the database and in the file outside of it; nothing when nothing was added. */
  make(): Promise<void>;
  /** Drops the segments that ended longer ago than rows are kept. */
  drop(): Promise<void>;
  /** Does both now and then. @returns what ends that, with a last checkpoint. */
  start(): () => Promise<void>;
}

export function createAuditCheckpoints(deps: AuditCheckpointsDeps): AuditCheckpoints {
  const { database, log } = deps;
  const copyOut = createCopyOut(deps);
  const sign = (repositories: Repositories, keptFrom?: number) => signHead(deps, repositories, keptFrom);

  async function make(): Promise<void> {
    await database.transact(async (repositories) => {
      await repositories.lockWrites();
      await sign(repositories);
    });
    await copyOut();
  }

  async function drop(): Promise<void> {
    await database.transact(async (repositories) => {
      await repositories.lockWrites();
      const through = await findDroppable(deps, repositories);
      if (through === undefined) return;
      const deed = { verb: "drop", resource: "audit", name: `1-${through}` };
      const entry = { ...toAuditEntry(systemContext("audit-retention"), deed), id: randomUUID() };
      await repositories.auditEvents.append([entry]);
      await repositories.auditEvents.dropThrough(through);
      await sign(repositories, through + 1);
    });
    await copyOut();
  }

  async function run(): Promise<void> {
    try {
      await make();
      await drop();
    } catch (err) {
      log.error({ err }, "the audit trail could not be signed; it will be tried again");
    }
  }

  return {
    make,
    drop,
    start() {
      const timer = setInterval(() => void run(), EVERY_MS).unref();
      return async () => {
        clearInterval(timer);
        await run();
      };
    },
  };
}

async function signHead(
  { keys, log, segmentRows = SEGMENT_ROWS }: AuditCheckpointsDeps,
  { auditEvents, auditCheckpoints, now }: Repositories,
  keptFrom?: number,
): Promise<void> {
  const { seq, hash } = await auditEvents.head();
  const last = await auditCheckpoints.latest();
  const [signed] = last ? await auditEvents.listAfter(last.seq - 1, 1) : [];
  if (signed?.hash !== last?.hash)
    log.error({ row: last?.seq }, "the audit trail is not as it was signed; see: mcpctl audit verify");
  if (seq <= (last?.seq ?? 0)) return;
  const at = await now();
  const start = await auditCheckpoints.latestSegmentEnd();
  const rows = seq - (start?.seq ?? 0);
  const isNewDay = last !== undefined && last.at.slice(0, 10) !== at.slice(0, 10);
  const content = { seq, hash, at, keptFrom: keptFrom ?? last?.keptFrom ?? 1, previous: last?.mac ?? "" };
  await auditCheckpoints.insert(keys.sign({ ...content, endsSegment: rows >= segmentRows || isNewDay }));
}

/** @returns the last row of the last segment that is old enough; undefined when nothing is. */
async function findDroppable(
  { retentionDays }: AuditCheckpointsDeps,
  { auditCheckpoints, now }: Repositories,
): Promise<number | undefined> {
  const before = new Date(Date.parse(await now()) - retentionDays * DAY_MS).toISOString();
  const end = await auditCheckpoints.latestSegmentEnd(before);
  const last = await auditCheckpoints.latest();
  return end && last && end.seq >= last.keptFrom ? end.seq : undefined;
}

/** Also those of a tick that a crash has cut off, and those of other processes: each file has them all. */
function createCopyOut({ database, file, log }: AuditCheckpointsDeps): () => Promise<void> {
  let copied: number | undefined;

  async function lastInFile(): Promise<number> {
    let last = 0;
    for await (const checkpoint of file.read()) last = Math.max(last, checkpoint?.seq ?? 0);
    return last;
  }

  return async () => {
    copied ??= await lastInFile();
    const isEmpty = copied === 0;
    for (;;) {
      const missing = await database.read.auditCheckpoints.listAfter(copied, PAGE);
      const end = missing.at(-1);
      if (!end) return;
      if (isEmpty && missing.length > 1) log.warn({}, "the file of audit checkpoints was empty; it is made again");
      await file.append(missing);
      copied = end.seq;
    }
  };
}

/** Hash before the first row that is kept. */
export async function hashBefore({ auditCheckpoints }: Repositories, keptFrom: number): Promise<string | undefined> {
  if (keptFrom === 1) return GENESIS;
  const end = await auditCheckpoints.findUpTo(keptFrom - 1);
  return end?.seq === keptFrom - 1 && end.endsSegment ? end.hash : undefined;
}
