import type { Ask } from "./ask.ts";
import { AUDIT_API, type AuditEvent, type AuditFilter, auditList, auditVerification } from "./audit.ts";
import type { AuditVerification } from "./audit.ts";

const PAGE_SIZE = 500;

/** What was found in the whole trail. */
export type AuditReport = Pick<AuditVerification, "rows" | "through" | "checkpoints" | "outside" | "bad">;

export interface AuditCalls {
  /** The newest events that pass, at most so many. */
  listAudit(filter: AuditFilter, limit: number): Promise<AuditEvent[]>;
  /** Goes through the whole trail, up to the first row that is not as it was written. */
  verifyAudit(): Promise<AuditReport>;
}

export function auditCalls(ask: Ask): AuditCalls {
  return {
    async listAudit(filter, limit) {
      const items: AuditEvent[] = [];
      for (let from: string | undefined; ;) {
        const size = String(Math.min(limit - items.length, PAGE_SIZE));
        const query = { ...filter, limit: size, continue: from };
        const { value } = await ask(auditList, { method: "GET", path: AUDIT_API.list, query });
        items.push(...value.items);
        from = value.metadata.continue;
        if (from === undefined || items.length >= limit) return items.slice(0, limit);
      }
    },

    async verifyAudit() {
      const report: AuditReport = { rows: 0, through: 0, checkpoints: 0, outside: 0 };
      for (let after: string | undefined; ;) {
        const query = { after };
        const { value } = await ask(auditVerification, { method: "GET", path: AUDIT_API.verify, query });
        const isStuck = after !== undefined && value.through <= report.through;
        report.rows += value.rows;
        report.checkpoints += value.checkpoints;
        report.outside += value.outside;
        report.through = value.through;
        if (value.bad) return { ...report, bad: value.bad };
        if (value.isComplete || isStuck) return report;
        after = String(value.through);
      }
    },
  };
}
