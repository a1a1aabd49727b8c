import type { ErrorCode } from "@mcpctl/shared/errors.ts";
import type { Principal } from "../auth/principal.ts";

/** What there is to remember of one tool call. Never what was asked or answered. */
export interface CallRecord {
  principal: Principal;
  /** Absent when no tool of this name may be called. */
  server: string | undefined;
  /** Name that the server gives the tool; the name that was asked for when there is no such tool. */
  tool: string;
  outcome: "ok" | "tool-error" | "error" | "cancelled";
  /** Why it failed, where that is one of our codes. */
  code: ErrorCode | undefined;
  durationMs: number;
  /** Bytes of the whole request. */
  requestBytes: number;
  /** Bytes of the reply's value; 0 when there was none. */
  replyBytes: number;
}

export type OnCall = (record: CallRecord) => void;
