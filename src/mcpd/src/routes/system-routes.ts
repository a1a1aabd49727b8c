import { API, versionResponse } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import { defineRoute, type Route } from "./route.ts";

export interface SystemRoutesDeps {
  /** @throws when the database does not answer. */
  ping(): Promise<void>;
  /** Whether the program is about to end. */
  isClosing(): boolean;
  metrics(): Promise<{ contentType: string; text: string }>;
  openApi(): unknown;
}

/** What machines ask of mcpd itself. */
export function systemRoutes({ ping, isClosing, metrics, openApi }: SystemRoutesDeps): Route[] {
  const open = { method: "GET", permission: { kind: "public" } } as const;
  return [
    defineRoute({
      ...open,
      path: "/livez",
      summary: "Whether the process answers",
      handle: async () => ({ json: { status: "ok" } }),
    }),
    defineRoute({
      ...open,
      path: API.readiness,
      summary: "Whether requests should be sent here",
      async handle() {
        if (isClosing()) throw new McpctlError("unavailable", "mcpd is about to end");
        await ping();
        return { json: { status: "ok" } };
      },
    }),
    defineRoute({
      ...open,
      path: "/metrics",
      summary: "Metrics for Prometheus",
      async handle() {
        const { contentType, text } = await metrics();
        return { content: text, headers: { "content-type": contentType } };
      },
    }),
    defineRoute({
      ...open,
      path: "/openapi.json",
      summary: "This API, as OpenAPI 3.1",
      handle: async () => ({ json: openApi() }),
    }),
    defineRoute({
      ...open,
      path: API.version,
      summary: "Version of mcpd",
      response: versionResponse,
      handle: async () => ({ json: { version: VERSION } }),
    }),
  ];
}
