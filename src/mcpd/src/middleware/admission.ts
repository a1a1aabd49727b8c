import { hasCode, McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { KINDS } from "@mcpctl/shared/kinds/index.ts";
import type { Decision } from "@mcpctl/shared/rbac/evaluate.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import type { AdmissionRequest } from "../routes/app.ts";
import type { Route } from "../routes/route.ts";
import type { AuditService, Deed } from "../services/audit.service.ts";
import type { RbacService, RbacState } from "../services/rbac.service.ts";
import type { RequestContext } from "../services/request-context.ts";
import { authenticate, type AuthDeps } from "./auth.ts";

export interface AdmissionDeps extends AuthDeps {
  rbac: RbacService;
  audit: AuditService;
}

const ANONYMOUS: Principal = { kind: "User", name: "anonymous", groups: [] };

/**
 * Decides whether a request may reach its handler.
 *
 * @throws {McpctlError} `unauthenticated`; `forbidden` to those who may know that the object exists, and otherwise
 *   `not-found`, exactly as if it did not.
 */
export async function admit(deps: AdmissionDeps, route: Route, request: AdmissionRequest): Promise<RequestContext> {
  const { requestId, requestBytes } = request;
  if (route.permission.kind === "public") return { principal: ANONYMOUS, requestId, decidedBy: "public" };
  const principal = await authenticate(deps, request.authorization).catch(async (thrown: unknown) => {
    if (hasCode(thrown, "unauthenticated")) await recordStranger(deps, route, request);
    throw thrown;
  });
  const state = await deps.rbac.current();
  const decision = decide(state, principal, route, request);
  if (decision.allowed) return { principal, requestId, requestBytes, decidedBy: decision.by };
  const deed = deedOf(route, request);
  await deps.audit.recordDenial({ principal, requestId, requestBytes, decidedBy: decision.by }, deed);
  throw refusal(state, principal, deed);
}

/** The path of who is unknown is not repeated: only so few kinds of denials can be told apart. */
async function recordStranger({ audit }: AdmissionDeps, route: Route, request: AdmissionRequest): Promise<void> {
  const { requestId, source, requestBytes } = request;
  const { verb, resource } = deedOf(route, request);
  const context = { principal: ANONYMOUS, requestId, source, requestBytes, decidedBy: "no valid bearer" };
  await audit.recordDenial(context, { verb, resource });
}

function decide(state: RbacState, principal: Principal, { permission }: Route, { params }: AdmissionRequest): Decision {
  switch (permission.kind) {
    case "public":
    case "authenticated":
      return { allowed: true, by: permission.kind };
    case "action":
      return state.canRunOperation(principal, permission.action);
    case "project":
      return state.canAccess(principal, { verb: "use", resource: "projects", name: params["project"] });
    case "apply": {
      const { resource } = permission;
      const update = state.canAccess(principal, { verb: "update", resource, name: params["name"] });
      return update.allowed ? update : state.canAccess(principal, { verb: "create", resource });
    }
    case "access": {
      const { verb, resource } = permission;
      const name = params["name"];
      if (verb !== "list" && verb !== "watch") return state.canAccess(principal, { verb, resource, name });
      const scope = state.getAllowedScope(principal, { verb, resource });
      if (scope !== "all" && scope.size === 0) return { allowed: false, by: "no binding grants it" };
      return { allowed: true, by: scope === "all" ? "all of them" : "those that bindings name" };
    }
  }
}

function deedOf({ permission, method }: Route, { params, query }: AdmissionRequest): Deed {
  const project = params["project"] ?? (typeof query["project"] === "string" ? query["project"] : undefined);
  if (permission.kind === "access")
    return { verb: permission.verb, resource: permission.resource, name: params["name"], project };
  if (permission.kind === "apply")
    return { verb: "update", resource: permission.resource, name: params["name"], project };
  if (permission.kind === "project") return { verb: "use", resource: "projects", name: project, project };
  const verb = permission.kind === "action" ? permission.action : method.toLowerCase();
  return { verb, resource: "*", name: params["name"], project };
}

function refusal(state: RbacState, principal: Principal, { verb, resource, name }: Deed): McpctlError {
  const singular = KINDS.find((kind) => kind.plural === resource)?.singular ?? resource;
  const mayKnow = name === undefined || state.canAccess(principal, { verb: "get", resource, name }).allowed;
  if (!mayKnow) return notFound(singular, name);
  return new McpctlError("forbidden", `You may not ${verb} ${resource}${name === undefined ? "" : ` "${name}"`}`, {
    hint: "Ask an administrator for a role that grants it; see what you are with: mcpctl auth whoami",
  });
}
