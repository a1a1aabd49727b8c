import { createHash } from "node:crypto";
import type { AuditRow } from "./audit-interfaces.ts";

/** What stands before the first row. */
export const GENESIS = "0".repeat(64);

/** Every member that the hash covers, in the order of RFC 8785. A new member must be absent from old rows. */
const MEMBERS = [
  "at",
  "code",
  "count",
  "decidedBy",
  "decision",
  "durationMs",
  "id",
  "name",
  "outcome",
  "principal",
  "project",
  "receivedAt",
  "replyBytes",
  "requestBytes",
  "requestId",
  "resource",
  "seq",
  "server",
  "source",
  "tokenName",
  "tokenSha",
  "tool",
  "user",
  "verb",
] satisfies (keyof AuditRow)[];

/**
 * Hash of a row: SHA-256 over the 32 bytes of the hash before it and the row as canonical JSON, without the members
 * that are absent.
 *
 * @returns hex.
 * @see RFC 8785: a flat object with sorted members is all of it that is needed here.
 */
export function hashRow(previous: string, row: Omit<AuditRow, "hash">): string {
  return createHash("sha256").update(Buffer.from(previous, "hex")).update(JSON.stringify(row, MEMBERS)).digest("hex");
}
