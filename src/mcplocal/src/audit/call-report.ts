import type { Log } from "../log.ts";
import type { OnCall } from "../pipeline/call-record.ts";
import type { AuditLog } from "./audit-log.ts";
import { createCallLines } from "./call-line.ts";

interface CallReportDeps {
  log: Log;
  /** Absent where nobody counts. */
  metrics?: { onCall: OnCall };
  /** Absent where nothing is recorded. */
  auditLog: AuditLog | undefined;
  onCall?: OnCall | undefined;
}

/** What is kept of a call must not be able to break it. */
export function createCallReport({ metrics, auditLog, onCall, log }: CallReportDeps): OnCall {
  const toLine = createCallLines(Date.now);
  return (record) => {
    try {
      metrics?.onCall(record);
      auditLog?.append(toLine(record));
      onCall?.(record);
    } catch (err) {
      log.error({ err }, "a tool call cannot be recorded");
    }
  };
}
