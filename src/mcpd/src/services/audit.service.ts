import { hasCode } from "@mcpctl/shared/errors.ts";
import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import type { AuditEventRow, Database, Repositories } from "../repositories/interfaces.ts";
import type { RequestContext } from "./request-context.ts";

/** What was done or tried, as an audit row tells it. */
export interface Deed {
  verb: string;
  resource: string;
  name?: string | undefined;
  project?: string | undefined;
}

export interface AuditService {
  /**
   * Runs a mutation and its audit row in one transaction: no audit, no change. Mutations take turns, so that what one
   * reads (versions, rights) still holds when it commits.
   *
   * @param deed - may be completed by the work, for instance with the name of an object that was addressed by its uid.
   */
  mutate<T>(context: RequestContext, deed: Deed, work: (repositories: Repositories) => Promise<T>): Promise<T>;
  /** Records what was refused, or a login that failed; commits on its own. */
  recordDenial(context: RequestContext, deed: Deed): Promise<void>;
}

export function createAuditService(database: Pick<Database, "transact">): AuditService {
  const recordDenial: AuditService["recordDenial"] = (context, deed) =>
    database.transact(({ auditEvents }) => auditEvents.insert(toRow(context, deed, "deny")));

  return {
    recordDenial,
    async mutate(context, deed, work) {
      try {
        return await database.transact(async (repositories) => {
          await repositories.lockWrites();
          const result = await work(repositories);
          await repositories.auditEvents.insert(toRow(context, deed, "allow"));
          return result;
        });
      } catch (error) {
        // Decided inside the transaction, which has rolled back; the refusal must not vanish with it.
        if (hasCode(error, "forbidden")) await recordDenial({ ...context, decidedBy: error.message }, deed);
        throw error;
      }
    },
  };
}

function toRow(
  { principal, requestId, decidedBy }: RequestContext,
  deed: Deed,
  decision: "allow" | "deny",
): AuditEventRow {
  return {
    requestId,
    principal: principalName(principal),
    ...(principal.kind === "McpToken" && { tokenName: principal.name, tokenSha: principal.sha }),
    ...deed,
    decision,
    decidedBy,
    outcome: decision === "allow" ? "success" : "failure",
  };
}
