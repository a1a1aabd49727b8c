import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { hasCode } from "@mcpctl/shared/errors.ts";
import type { AuditEntry } from "../repositories/audit-interfaces.ts";
import type { Database, Repositories } from "../repositories/interfaces.ts";
import { type Deed, toAuditEntry } from "./audit-entry.ts";
import type { DenialCounter } from "./denial-counter.ts";
import type { RequestContext } from "./request-context.ts";

export type { Deed };

export interface AuditService {
  /**
   * Runs a mutation and its audit row in one transaction: no audit, no change. Mutations take turns, so that what one
   * reads (versions, rights) still holds when it commits.
   *
   * @param deed - may be completed by the work, for instance with the name of an object that was addressed by its uid.
   */
  mutate<T>(context: RequestContext, deed: Deed, work: (repositories: Repositories) => Promise<T>): Promise<T>;
  /**
   * Records what was refused, or a login that failed; commits on its own. Of equal ones that follow soon, only their
   * number is recorded, some seconds later.
   */
  recordDenial(context: RequestContext, deed: Deed): Promise<void>;
}

export interface AuditServiceDeps {
  database: Pick<Database, "transact">;
  denials: Pick<DenialCounter, "isRepeated">;
}

export function createAuditService({ database, denials }: AuditServiceDeps): AuditService {
  async function recordDenial(context: RequestContext, deed: Deed, code?: string): Promise<void> {
    const entry = { ...toAuditEntry(context, deed), decision: "deny", outcome: "failure", code } as const;
    await denials.isRepeated(entry, () => append(entry));
  }
  const append = (entry: AuditEntry) => database.transact(({ auditEvents }) => auditEvents.append([entry]));

  return {
    recordDenial: (context, deed) => recordDenial(context, deed),
    async mutate(context, deed, work) {
      const startedMs = performance.now();
      const id = randomUUID();
      try {
        return await database.transact(async (repositories) => {
          await repositories.lockWrites();
          const result = await work(repositories);
          const durationMs = Math.round((performance.now() - startedMs) * 1_000) / 1_000;
          await repositories.auditEvents.append([{ ...toAuditEntry(context, deed), id, durationMs }]);
          return result;
        });
      } catch (error) {
        // Decided inside the transaction, which has rolled back; the refusal must not vanish with it.
        if (hasCode(error, "forbidden"))
          await recordDenial({ ...context, decidedBy: error.message }, deed, "forbidden");
        throw error;
      }
    },
  };
}
