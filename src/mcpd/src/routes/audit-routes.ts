import {
  AUDIT_API,
  auditList,
  auditQuery,
  auditVerification,
  MAX_SHIPPED_EVENTS,
  shippedEvent,
  shipRequest,
  shipResponse,
  verifyQuery,
} from "@mcpctl/shared/api/audit.ts";
import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import * as z from "zod";
import type { AuditTrailService } from "../services/audit-trail.service.ts";
import type { RecordedCallsService } from "../services/recorded-calls.service.ts";
import { defineRoute, type Route } from "./route.ts";

export interface AuditRoutesDeps {
  trail: AuditTrailService;
  recordedCalls: RecordedCallsService;
}

/** Reading the audit trail takes one right, adding to it another: a gateway reads nothing, an auditor writes nothing. */
export function auditRoutes({ trail, recordedCalls }: AuditRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "GET",
      path: AUDIT_API.list,
      summary: "The audit trail, newest first",
      permission: { kind: "action", action: "audit" },
      query: auditQuery,
      response: auditList,
      handle: async ({ query }) => ({ json: await trail.list(query), headers: { "cache-control": "no-store" } }),
    }),
    defineRoute({
      method: "GET",
      path: AUDIT_API.verify,
      summary: "Whether a part of the audit trail is as it was written",
      permission: { kind: "action", action: "audit" },
      query: verifyQuery,
      response: auditVerification,
      handle: async ({ query }) => ({ json: await trail.verify(Number(query.after ?? 0)) }),
    }),
    defineRoute({
      method: "POST",
      path: AUDIT_API.events,
      summary: "Adds tool calls that a gateway recorded, each of them once",
      permission: { kind: "action", action: "ship-audit" },
      body: shipRequest.extend({ events: z.array(describedEvent()).max(MAX_SHIPPED_EVENTS) }),
      response: shipResponse,
      handle: async ({ context, body }) => ({
        json: await recordedCalls.store(principalName(context.principal), body.events),
      }),
    }),
  ];
}

/** Anything to the parser, which takes each event by itself later, and an event to the reader of the documentation. */
function describedEvent() {
  return z.unknown().meta({ ...z.toJSONSchema(shippedEvent, { io: "input" }) });
}
