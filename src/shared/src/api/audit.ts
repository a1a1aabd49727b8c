import * as z from "zod";
import { redactTokens } from "../tokens/index.ts";

/** Paths of the audit trail. */
export const AUDIT_API = {
  list: "/api/v1/audit",
  verify: "/api/v1/audit/verify",
  events: "/api/v1/audit/events",
} as const;

/** How many events a gateway may send in one batch. */
export const MAX_SHIPPED_EVENTS = 1_000;
const MAX_WORD = 256;
const MAX_PAGE = 500;
/** PostgreSQL keeps no text with these. */
const UNSTORABLE = "\u0000";

/** Text from a client: cut, and without what no database keeps, because a record must not be refused for its content. */
const clientText = z
  .string()
  .transform((text) => redactTokens(text).slice(0, MAX_WORD).replaceAll(UNSTORABLE, "\ufffd").toWellFormed());
const word = z.string().regex(/^[\x20-\x7e]{1,256}$/, "must be 1 to 256 printable characters");
const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .refine((text) => text >= "2000" && text < "2200", "is no time of this age");
const sha = z.string().regex(/^[0-9a-f]{64}$/, "must be a hex SHA-256");
const bytes = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A tool call as a gateway records it: one line of its spool. */
export const shippedEvent = z.object({
  id: word.describe("Made by the gateway and never used again; an event is stored once under it."),
  time: time.describe("When the call ended, by the gateway's clock."),
  tokenName: clientText.describe("Name of the token that called; empty for a person without one."),
  tokenSha: sha.or(z.literal("")).describe("Its hex SHA-256; empty without a token."),
  user: clientText.describe("User who minted it, or the person."),
  project: clientText.describe("The project that was used."),
  verb: word.describe("Method of MCP, such as tools/call."),
  server: clientText.optional().describe("Server that was called; absent when no tool of this name may be called."),
  tool: clientText.describe("Name of the tool."),
  outcome: z.enum(["ok", "tool-error", "error", "cancelled"]).describe("How it ended."),
  code: word.optional().describe("Why it failed."),
  durationMs: z.number().min(0).max(1e12).describe("How long it took, in milliseconds."),
  requestBytes: bytes.describe("Size of the request."),
  replyBytes: bytes.describe("Size of the reply's value."),
});
export type ShippedEvent = z.output<typeof shippedEvent>;

/** Each event is parsed by itself, so that one that is no good does not hold up the others. */
export const shipRequest = z.strictObject({
  events: z.array(z.unknown()).max(MAX_SHIPPED_EVENTS).describe("Events in the order in which they happened."),
});

export const shipResponse = z.object({
  stored: z.int().describe("How many of them are in the trail now, also those that were before."),
  duplicates: z.int().describe("How many of them were there before."),
  rejected: z
    .array(z.object({ at: z.int(), message: z.string() }))
    .describe("Place in the batch of what can never be stored, and why."),
});
export type ShipResponse = z.output<typeof shipResponse>;

export const AUDIT_DECISIONS = ["allow", "deny"] as const;

/** One row of the audit trail. */
export const auditEvent = z.object({
  seq: z.int().describe("Place in the trail, without gaps."),
  id: z.string().describe("Its own id."),
  time: z.iso.datetime().describe("When it happened."),
  receivedAt: z.iso.datetime().optional().describe("When it was stored, where a gateway recorded it."),
  source: z.string().optional().describe("Address of a caller that is unknown, or the gateway that recorded it."),
  requestId: z.string().optional().describe("Id of the request."),
  principal: z.string().describe("Who, such as User:alice or McpToken:demo/agent."),
  user: z.string().optional().describe("The user, or the creator of the token."),
  tokenName: z.string().optional().describe("Name of the token."),
  tokenSha: z.string().optional().describe("Hex SHA-256 of the token."),
  project: z.string().optional().describe("Project that it belongs to."),
  verb: z.string().describe("What was done or tried."),
  resource: z.string().describe("Plural of the kind; tools for calls."),
  name: z.string().optional().describe("Name of the object."),
  server: z.string().optional().describe("Server of a tool call."),
  tool: z.string().optional().describe("Tool that was called."),
  decision: z.enum(AUDIT_DECISIONS).describe("Whether it was allowed."),
  decidedBy: z.string().describe("The binding that decided, or why none did."),
  outcome: z.enum(["success", "failure", "cancelled"]).describe("How it ended."),
  code: z.string().optional().describe("Why it failed."),
  count: z.int().describe("How many times; more than one for repeated denials."),
  durationMs: z.number().optional().describe("How long it took, in milliseconds."),
  requestBytes: z.int().optional().describe("Size of the request."),
  replyBytes: z.int().optional().describe("Size of the reply."),
  hash: z.string().describe("Hex SHA-256 of the row before it and of this row."),
});
export type AuditEvent = z.output<typeof auditEvent>;

export const auditList = z.object({
  items: z.array(auditEvent).describe("Newest first."),
  metadata: z.object({ continue: z.string().optional().describe("Give it back to read on.") }),
});
export type AuditList = z.output<typeof auditList>;

const seqText = z.string().regex(/^\d{1,15}$/, "must be a place in the trail");
const moment = z.iso.datetime({ offset: true });

export const auditQuery = z.strictObject({
  token: z.string().max(MAX_WORD).optional().describe("Name of a token, or at least 6 digits its SHA-256 begins with."),
  user: z.string().max(MAX_WORD).optional().describe("User, or creator of the token."),
  project: z.string().max(MAX_WORD).optional().describe("Only this project."),
  since: moment.optional().describe("Only from this time on."),
  until: moment.optional().describe("Only before this time."),
  decision: z.enum(AUDIT_DECISIONS).optional().describe("Only this decision."),
  verb: z.string().max(MAX_WORD).optional().describe("Only this verb."),
  resource: z.string().max(MAX_WORD).optional().describe("Only this resource."),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100).describe("Rows in one answer."),
  continue: seqText.optional().describe("From the answer before."),
});
export type AuditQuery = z.output<typeof auditQuery>;
/** As a client writes it. */
export type AuditFilter = Omit<z.input<typeof auditQuery>, "limit" | "continue">;

export const verifyQuery = z.strictObject({
  after: seqText.optional().describe("Goes on behind this place, which the answer before gave."),
});

/** What can be wrong with a trail. */
const AUDIT_FAULTS = [
  "edited",
  "missing",
  "inserted",
  "cut",
  "recomputed",
  "checkpoint-missing",
  "checkpoint-forged",
  "checkpoint-unknown-key",
] as const;

export const auditVerification = z.object({
  through: z.int().describe("Last place that was looked at."),
  isComplete: z.boolean().describe("Whether that is the end of the trail; otherwise go on behind it."),
  rows: z.int().describe("Rows that were checked, of this answer alone."),
  checkpoints: z.int().describe("Checkpoints whose key and row were checked, of this answer alone."),
  outside: z.int().describe("How many of them are in the file outside the database as well."),
  bad: z
    .object({
      seq: z.int().describe("The first place where something is wrong."),
      fault: z.enum(AUDIT_FAULTS).describe("What."),
      message: z.string().describe("The same in words."),
      time: z.iso.datetime().optional().describe("Time of the last good row before it."),
    })
    .optional()
    .describe("Absent when everything that was looked at is whole."),
});
export type AuditVerification = z.output<typeof auditVerification>;
