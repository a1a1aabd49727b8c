import { accessReview, API, permissionsResponse } from "@mcpctl/shared/api/contracts.ts";
import * as z from "zod";
import type { AccessReviewService } from "../services/access-review.service.ts";
import { defineRoute, type Route } from "./route.ts";

const as = z
  .string()
  .optional()
  .describe("User:NAME, McpToken:PROJECT/NAME or McpToken:SHA; needs the action impersonate. Oneself when absent.");

const question = z.strictObject({
  verb: z.string().min(1).describe("A verb such as get or update; run with an action for the resource."),
  resource: z.string().min(1).describe("A kind in any form, * for all, or an action."),
  name: z.string().min(1).optional().describe("One object."),
  as,
});

/** What somebody may do, and why. */
export function accessReviewRoutes(reviews: AccessReviewService): Route[] {
  return [
    defineRoute({
      method: "GET",
      path: API.canI,
      summary: "Whether somebody may do something, and what decides it",
      permission: { kind: "authenticated" },
      query: question,
      response: accessReview,
      handle: async ({ context, query }) => ({ json: await reviews.canI(context, query) }),
    }),
    defineRoute({
      method: "GET",
      path: API.permissions,
      summary: "Every binding that somebody holds",
      permission: { kind: "authenticated" },
      query: z.strictObject({ as }),
      response: permissionsResponse,
      handle: async ({ context, query }) => ({ json: await reviews.permissions(context, query.as) }),
    }),
  ];
}
