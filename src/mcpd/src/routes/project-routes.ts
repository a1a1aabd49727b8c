import { discovery } from "@mcpctl/shared/api/contracts.ts";
import type { ServerRelay } from "../relay/server-relay.ts";
import type { DiscoveryService } from "../services/discovery.service.ts";
import { defineRoute, type Route } from "./route.ts";

export interface ProjectRoutesDeps {
  discovery: DiscoveryService;
  relay: Pick<ServerRelay, "handle">;
}

/** What a gateway needs of a project: which servers it has, and the way to them. */
export function projectRoutes(deps: ProjectRoutesDeps): Route[] {
  const relayPath = "/api/v1/projects/:project/servers/:server/mcp";
  return [
    defineRoute({
      method: "GET",
      path: "/api/v1/projects/:project/discovery",
      summary: "The servers of a project and where a gateway reaches them",
      permission: { kind: "project" },
      response: discovery,
      handle: async ({ context, params }) => ({
        json: await deps.discovery.discover(params["project"] ?? "", context.principal),
      }),
    }),
    ...(["POST", "GET", "DELETE"] as const).map((method) =>
      defineRoute<Uint8Array>({
        method,
        path: relayPath,
        summary: `MCP to one server of a project (${method})`,
        permission: { kind: "project" },
        body: "bytes",
        async handle({ params, headers, body, signal }) {
          const found = await deps.discovery.getServerOf(params["project"] ?? "", params["server"] ?? "");
          const answer = await deps.relay.handle({ ...found, method, headers, body, signal });
          return { status: answer.status, headers: answer.headers, content: answer.body };
        },
      }),
    ),
  ];
}
