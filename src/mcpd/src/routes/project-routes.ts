import { discovery, RELAY_LINK } from "@mcpctl/shared/api/contracts.ts";
import type { ServerRelay } from "../relay/server-relay.ts";
import type { DiscoveryService } from "../services/discovery.service.ts";
import { defineRoute, type Route, type Upgrade } from "./route.ts";

export interface ProjectRoutesDeps {
  discovery: DiscoveryService;
  relay: Pick<ServerRelay, "handle" | "acceptLink">;
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
        ...(method === "GET" && { upgrade: relayLink(deps) }),
        async handle({ params, headers, body, signal }) {
          const found = await deps.discovery.getServerOf(params["project"] ?? "", params["server"] ?? "");
          const answer = await deps.relay.handle({ ...found, method, headers, body, signal });
          return { status: answer.status, headers: answer.headers, content: answer.body };
        },
      }),
    ),
  ];
}

function relayLink({ discovery: services, relay }: ProjectRoutesDeps): Upgrade {
  return {
    protocol: RELAY_LINK,
    summary: "MCP in lines to a server that mcpd runs: each line is one JSON-RPC message, as on stdio",
    async accept({ context: { principal }, params, readmit, signal }) {
      const find = () => services.getServerOf(params["project"] ?? "", params["server"] ?? "");
      const authorize = async () => {
        await readmit();
        return find();
      };
      return relay.acceptLink({ principal, granted: await find(), authorize, signal });
    },
  };
}
