import { join } from "node:path";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { Config } from "./config.ts";
import { openAuditKeys } from "./repositories/audit-keys.ts";
import { openCheckpointFile } from "./repositories/checkpoint-file.ts";
import type { Database } from "./repositories/interfaces.ts";
import { createAuditCheckpoints } from "./services/audit-checkpoints.service.ts";
import { type AuditService, createAuditService } from "./services/audit.service.ts";
import { type AuditTrailService, createAuditTrailService } from "./services/audit-trail.service.ts";
import { createDenialCounter } from "./services/denial-counter.ts";
import { createRecordedCallsService, type RecordedCallsService } from "./services/recorded-calls.service.ts";

/** Everything about the audit trail, with the timers behind it. */
export interface AuditTrail extends AsyncDisposable {
  audit: AuditService;
  service: AuditTrailService;
  recordedCalls: RecordedCallsService;
}

interface AuditTrailOptions {
  database: Database;
  config: Pick<Config, "dataDir" | "auditKeyFile" | "auditCheckpointFile" | "auditRetentionDays">;
  log: Logger;
}

/** @throws {McpctlError} `config-invalid` when its key or its file of checkpoints cannot be used. */
export async function openAuditTrail({ database, config, log }: AuditTrailOptions): Promise<AuditTrail> {
  const { dataDir, auditRetentionDays: retentionDays } = config;
  const keys = await openAuditKeys(config.auditKeyFile ?? join(dataDir, "audit.key"));
  const file = await openCheckpointFile(config.auditCheckpointFile ?? join(dataDir, "audit-checkpoints.jsonl"));
  const last = await database.read.auditCheckpoints.latest();
  if (last && keys.check(last) === "unknown-key") {
    log.warn(
      { keyId: last.keyId },
      "the audit trail was signed with another key; put it into --audit-key-file as well",
    );
  }
  const denials = createDenialCounter({ database, log });
  const stop = createAuditCheckpoints({ database, keys, file, log, retentionDays }).start();
  return {
    audit: createAuditService({ database, denials }),
    service: createAuditTrailService({ database, keys, file }),
    recordedCalls: createRecordedCallsService(database),
    async [Symbol.asyncDispose]() {
      await denials.close();
      await stop();
    },
  };
}
