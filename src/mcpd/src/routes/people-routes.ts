import { API, loginResponse, ownPasswordRequest, ownSessions } from "@mcpctl/shared/api/contracts.ts";
import { hashToken } from "@mcpctl/shared/tokens/index.ts";
import { bearerOf } from "../middleware/auth.ts";
import type { OwnAccountService } from "../services/own-account.service.ts";
import { defineRoute, type Route } from "./route.ts";

const NO_STORE = { "cache-control": "no-store" };

/** One's own sessions and password, which take no right but to be logged in. */
export function ownAccountRoutes(account: OwnAccountService): Route[] {
  return [
    defineRoute({
      method: "GET",
      path: API.sessions,
      summary: "Lists the caller's own sessions",
      permission: { kind: "authenticated" },
      response: ownSessions,
      async handle({ context, headers }) {
        const bearer = bearerOf(headers.authorization);
        const current = bearer === undefined ? undefined : hashToken(bearer);
        return { json: { items: await account.listSessions(context, current) }, headers: NO_STORE };
      },
    }),
    defineRoute({
      method: "DELETE",
      path: API.sessions,
      summary: "Ends all of the caller's own sessions",
      permission: { kind: "authenticated" },
      async handle({ context }) {
        await account.endAllSessions(context);
        return {};
      },
    }),
    defineRoute({
      method: "DELETE",
      path: `${API.sessions}/:id`,
      summary: "Ends one of the caller's own sessions",
      permission: { kind: "authenticated" },
      async handle({ context, params }) {
        await account.endSession(context, params["id"] ?? "");
        return {};
      },
    }),
    defineRoute({
      method: "PUT",
      path: API.ownPassword,
      summary: "Changes the caller's own password, ends all of its sessions and opens a new one",
      permission: { kind: "authenticated" },
      body: ownPasswordRequest,
      response: loginResponse,
      handle: async ({ context, body, address }) => ({
        json: await account.changePassword(context, { ...body, address }),
        headers: NO_STORE,
      }),
    }),
  ];
}
