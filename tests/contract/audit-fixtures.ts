import { randomBytes, randomUUID } from "node:crypto";
import type { AuditEntry, Checkpoint } from "../../src/mcpd/src/repositories/audit-interfaces.ts";
import { createAuditKeys } from "../../src/mcpd/src/repositories/audit-keys.ts";
import type { CheckpointFile } from "../../src/mcpd/src/repositories/checkpoint-file.ts";
import type { Database } from "../../src/mcpd/src/repositories/interfaces.ts";
import { createAuditCheckpoints } from "../../src/mcpd/src/services/audit-checkpoints.service.ts";
import { createLogger } from "../../src/shared/src/log.ts";
import { createAuditTrailService } from "../../src/mcpd/src/services/audit-trail.service.ts";
import { hexSha } from "./repositories-fixtures.ts";

export function entryOf(entry: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: randomUUID(),
    requestId: "r-1",
    principal: "User:alice",
    user: "alice",
    verb: "create",
    resource: "servers",
    name: "files",
    decision: "allow",
    decidedBy: "admins",
    outcome: "success",
    count: 1,
    ...entry,
  };
}

/** An entry that has every member. */
export function fullEntry(): AuditEntry {
  return entryOf({
    at: "2026-11-28T10:11:12.345Z",
    source: "McpToken:ops/gateway",
    tokenName: "ci",
    tokenSha: hexSha("ci"),
    project: 'a "b" \u{1f680}',
    server: "files",
    tool: "read",
    outcome: "failure",
    code: "upstream-timeout",
    durationMs: 1_234.567,
    requestBytes: 2 ** 40,
    replyBytes: 0,
  });
}

export function append(database: Database, entries: readonly AuditEntry[]): Promise<void> {
  return database.transact(({ auditEvents }) => auditEvents.append(entries));
}

interface TrailOptions {
  retentionDays?: number;
  segmentRows?: number;
  rowsAtATime?: number;
}

/** The services of a trail, with a key of its own and a file in memory. */
export function trailOf(database: Database, options: TrailOptions = {}) {
  const outside: Checkpoint[] = [];
  const file: CheckpointFile = {
    append: async (checkpoints) => void outside.push(...checkpoints),
    async *read() {
      yield* outside;
    },
  };
  const keys = createAuditKeys([randomBytes(32).toString("hex")]);
  const alarms: string[] = [];
  const log = createLogger({ program: "test", level: "error", write: (line) => void alarms.push(line) });
  const deps = { database, keys, file, log, retentionDays: 90, ...options };
  return { outside, alarms, keys, checkpoints: createAuditCheckpoints(deps), service: createAuditTrailService(deps) };
}
