import {
  API,
  introspection,
  loginRequest,
  loginResponse,
  passwordRequest,
  type Whoami,
  whoamiResponse,
} from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { manifestSchema } from "@mcpctl/shared/kinds/kind.ts";
import { mcpTokens } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import { hashToken } from "@mcpctl/shared/tokens/index.ts";
import * as z from "zod";
import { bearerOf } from "../middleware/auth.ts";
import type { McpTokenService } from "../services/mcp-token.service.ts";
import type { SessionService } from "../services/session.service.ts";
import type { IdentityChanges } from "../services/identity-changes.ts";
import { toIdentityStream } from "./identity-stream.ts";
import { defineRoute, type Route } from "./route.ts";

const NO_STORE = { "cache-control": "no-store" };

/** Logging in and out, and who one is. */
export function sessionRoutes(sessions: SessionService): Route[] {
  return [
    defineRoute({
      method: "POST",
      path: API.login,
      summary: "Trades a password for a session",
      permission: { kind: "public" },
      body: loginRequest,
      response: loginResponse,
      handle: async ({ body, context: { requestId }, address }) => ({
        json: await sessions.login({ requestId, address }, body),
        headers: NO_STORE,
      }),
    }),
    defineRoute({
      method: "POST",
      path: API.logout,
      summary: "Ends the session that asks",
      permission: { kind: "authenticated" },
      async handle({ context, headers }) {
        const bearer = bearerOf(headers.authorization);
        if (bearer !== undefined) await sessions.end(context, hashToken(bearer));
        return {};
      },
    }),
    defineRoute({
      method: "GET",
      path: API.whoami,
      summary: "Who is asking",
      permission: { kind: "authenticated" },
      response: whoamiResponse,
      handle: async ({ context }) => ({ json: toWhoami(context.principal) }),
    }),
    defineRoute({
      method: "PUT",
      path: "/api/v1/users/:name/password",
      summary: "Sets another user's password",
      permission: { kind: "access", verb: "update", resource: "users" },
      body: passwordRequest,
      async handle({ context, params, body }) {
        await sessions.setPassword(context, params["name"] ?? "", body.password);
        return {};
      },
    }),
  ];
}

const projectQuery = z.strictObject({ project: z.string().optional().describe("Project of the token.") });

/** What an McpToken has besides the verbs of every kind. */
export function mcpTokenRoutes(tokens: McpTokenService, changes: IdentityChanges): Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/api/v1/mcptokens",
      summary: "Mints a token; the answer holds it, once",
      permission: { kind: "access", verb: "create", resource: "mcptokens" },
      body: "json",
      response: manifestSchema(mcpTokens).extend({ token: z.string() }),
      handle: async ({ context, body }) => ({
        status: 201,
        json: await tokens.create(context, body),
        headers: NO_STORE,
      }),
    }),
    defineRoute({
      method: "POST",
      path: "/api/v1/mcptokens/:name/revoke",
      summary: "Ends a token for good",
      permission: { kind: "access", verb: "delete", resource: "mcptokens" },
      query: projectQuery,
      async handle({ context, params, query }) {
        const ref = { plural: "mcptokens", project: query.project ?? "", name: params["name"] ?? "" };
        return { json: await tokens.revoke(context, ref) };
      },
    }),
    defineRoute({
      method: "GET",
      path: API.identityChanges,
      summary: "Tells that rights or tokens have changed, never which: whoever believes something should ask again",
      permission: { kind: "authenticated" },
      handle: async (request) => toIdentityStream(changes, request),
    }),
    defineRoute({
      method: "GET",
      path: API.introspect,
      summary: "What the bearer token of this request may be used for",
      permission: { kind: "public" },
      response: introspection,
      handle: async ({ headers }) => ({
        json: await tokens.introspect(bearerOf(headers.authorization)),
        headers: NO_STORE,
      }),
    }),
  ];
}

function toWhoami(principal: Principal): Whoami {
  if (principal.kind === "McpToken") {
    const { kind, name, project, creator } = principal;
    return { kind, name, project, creator: creator.name, groups: [] };
  }
  if (principal.kind === "User") return { ...principal, groups: [...principal.groups] };
  if (principal.kind === "Gateway") return { ...principal, groups: [] };
  throw new McpctlError("internal", "mcpd asked itself over HTTP");
}
