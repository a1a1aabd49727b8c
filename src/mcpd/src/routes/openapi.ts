import { PROBLEM_MEDIA_TYPE, problemSchema } from "@mcpctl/shared/problem.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import * as z from "zod";
import type { Route } from "./route.ts";

/** @returns an OpenAPI 3.1 document; its JSON Schema 2020-12 comes straight from the Zod schemas. */
export function openApiDocument(routes: readonly Route[]) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: { title: "mcpd", version: VERSION, description: "Control plane of mcpctl." },
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: { Problem: z.toJSONSchema(problemSchema) },
    },
  };
}

function operation(route: Route) {
  const problem = { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } };
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.permission.kind !== "public" && { security: [{ bearer: [] }] }),
    "x-permission": route.permission,
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body !== undefined && { requestBody: requestBody(route) }),
    responses: {
      ...(route.upgrade && {
        "101": { description: `To Upgrade: ${route.upgrade.protocol}. ${route.upgrade.summary}` },
      }),
      ...(route.response && { "2XX": { description: "Success", content: jsonContent(route.response) } }),
      default: { description: "Problem (RFC 9457)", content: problem },
    },
  };
}

function operationId({ method, path }: Route): string {
  return `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, "-")}`;
}

function pathParameters({ path }: Route) {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Route) {
  if (!query) return [];
  const { properties = {} } = z.toJSONSchema(query, { io: "input" });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema }));
}

function requestBody({ body, consumes = ["application/json"], response }: Route) {
  if (body === "bytes") return { required: true, content: { "application/json": {} } };
  const schema = body === "json" ? response : body;
  const described = schema instanceof z.ZodType ? jsonContent(schema)["application/json"] : {};
  return { required: true, content: Object.fromEntries(consumes.map((type) => [type, described])) };
}

function jsonContent(schema: z.ZodType) {
  return { "application/json": { schema: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) } };
}
