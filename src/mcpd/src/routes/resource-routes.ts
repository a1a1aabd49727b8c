import { APPLY_MEDIA_TYPE } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { API_VERSION, type Kind, manifestSchema, type Resource, type ResourceRef } from "@mcpctl/shared/kinds/kind.ts";
import { isUid } from "@mcpctl/shared/kinds/metadata.ts";
import type { Scope } from "@mcpctl/shared/rbac/evaluate.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import * as z from "zod";
import type { RbacService } from "../services/rbac.service.ts";
import type { ResourceService } from "../services/resource.service.ts";
import type { WatchService } from "../services/watch.service.ts";
import type { RequestContext } from "../services/request-context.ts";
import { decodeContinue, encodeContinue, parseLabelSelector } from "./list-query.ts";
import { defineRoute, type Reply, type Route, type RouteRequest } from "./route.ts";
import { toWatchStream } from "./watch-stream.ts";

export interface ResourceRoutesDeps {
  resources: ResourceService;
  rbac: RbacService;
  watch: WatchService;
  /** The newest version that a list shows everything of. */
  latestVersion(): Promise<string>;
}

const DEFAULT_LIMIT = 500;
const DEFAULT_MANAGER = "mcpctl";

const listQuery = z.strictObject({
  project: z.string().optional().describe("Only this project."),
  labelSelector: z.string().optional().describe("Pairs such as a=b,c=d that must all be there."),
  limit: z.coerce.number().int().min(1).max(DEFAULT_LIMIT).default(DEFAULT_LIMIT).describe("Items per page."),
  continue: z.string().optional().describe("Continues an earlier page."),
  watch: z.enum(["true", "false"]).default("false").describe("Follows changes as NDJSON, or as SSE when accepted."),
  resourceVersion: z.string().optional().describe("Where a watch begins; from now on when absent."),
});
const objectQuery = z.strictObject({ project: z.string().optional().describe("Project of the object.") });
const writeQuery = z.strictObject({
  project: z.string().optional().describe("Project of the object."),
  fieldManager: z.string().min(1).max(128).default(DEFAULT_MANAGER).describe("Who owns the written fields."),
  dryRun: z.literal("server").optional().describe("Runs everything and commits nothing."),
  force: z.enum(["true", "false"]).default("false").describe("Takes fields from their owners (apply only)."),
});
type ListQuery = z.output<typeof listQuery>;
type ObjectQuery = z.output<typeof objectQuery>;
type WriteQuery = z.output<typeof writeQuery>;

/** The REST surface of one kind: one route per verb. Nothing here knows which kind it serves. */
export function resourceRoutes(kind: Kind, deps: ResourceRoutesDeps): Route[] {
  return [...readRoutes(kind, deps), ...writeRoutes(kind, deps)];
}

function readRoutes(kind: Kind, deps: ResourceRoutesDeps): Route[] {
  const { plural: resource, singular } = kind;
  const collection = `/api/v1/${resource}`;
  return [
    defineRoute({
      method: "GET",
      path: collection,
      summary: `Lists or watches ${resource}`,
      permission: { kind: "access", verb: "list", resource },
      query: listQuery,
      handle: (request) => (request.query.watch === "true" ? watch(kind, deps, request) : list(kind, deps, request)),
    }),
    defineRoute({
      method: "GET",
      path: `${collection}/:name`,
      summary: `Reads one ${singular}`,
      permission: { kind: "access", verb: "get", resource },
      query: objectQuery,
      handle: async (request) => resourceReply(await deps.resources.get(kind, refOf(kind, request))),
    }),
  ];
}

type WriteVerb = "create" | "update" | "delete";

function writeRoutes(kind: Kind, { resources }: ResourceRoutesDeps): Route[] {
  const routes: [WriteVerb, Route][] = [
    ["update", updateRoute(kind, resources)],
    ["update", applyRoute(kind, resources)],
    ["delete", deleteRoute(kind, resources)],
  ];
  // Objects of project scope are made by a service of their own, which has its own route.
  if (kind.scope === "global" && !kind.isMinted) routes.push(["create", createRoute(kind, resources)]);
  return routes.filter(([verb]) => kind.verbs.includes(verb)).map(([, route]) => route);
}

function createRoute(kind: Kind, resources: ResourceService): Route {
  return defineRoute({
    method: "POST",
    path: `/api/v1/${kind.plural}`,
    summary: `Creates a ${kind.singular}`,
    permission: { kind: "access", verb: "create", resource: kind.plural },
    query: writeQuery,
    body: "json",
    response: manifestSchema(kind),
    async handle(request) {
      const created = await resources.create(kind, request.body, optionsOf(request));
      return { ...resourceReply(created), status: 201 };
    },
  });
}

function updateRoute(kind: Kind, resources: ResourceService): Route {
  return defineRoute({
    method: "PUT",
    path: `/api/v1/${kind.plural}/:name`,
    summary: `Replaces labels, annotations and spec of a ${kind.singular}`,
    permission: { kind: "access", verb: "update", resource: kind.plural },
    query: writeQuery,
    body: "json",
    response: manifestSchema(kind),
    handle: async (request) =>
      resourceReply(await resources.update(kind, refOf(kind, request), withIfMatch(request), optionsOf(request))),
  });
}

function applyRoute(kind: Kind, resources: ResourceService): Route {
  return defineRoute({
    method: "PATCH",
    path: `/api/v1/${kind.plural}/:name`,
    summary: `Applies a ${kind.singular}: creates it, or merges it with what others own`,
    permission: { kind: "apply", resource: kind.plural },
    query: writeQuery,
    consumes: [APPLY_MEDIA_TYPE],
    body: "json",
    response: manifestSchema(kind),
    async handle(request) {
      const force = request.query.force === "true";
      const options = { ...optionsOf(request), force, expectedVersion: ifMatch(request) };
      const { resource, result } = await resources.apply(kind, refOf(kind, request), request.body, options);
      const reply = resourceReply(resource);
      const headers = { ...reply.headers, "mcpctl-result": result };
      return { ...reply, status: result === "created" ? 201 : 200, headers };
    },
  });
}

function deleteRoute(kind: Kind, resources: ResourceService): Route {
  return defineRoute({
    method: "DELETE",
    path: `/api/v1/${kind.plural}/:name`,
    summary: `Deletes a ${kind.singular}`,
    permission: { kind: "access", verb: "delete", resource: kind.plural },
    query: writeQuery,
    async handle(request) {
      const options = { ...optionsOf(request), expectedVersion: ifMatch(request) };
      return { json: await resources.delete(kind, refOf(kind, request), options) };
    },
  });
}

async function list(kind: Kind, deps: ResourceRoutesDeps, request: RouteRequest<unknown, ListQuery>): Promise<Reply> {
  const { project, labelSelector, limit, continue: token } = request.query;
  const scope = await scopeOf(kind, deps, request.context, "list");
  const resourceVersion = await deps.latestVersion();
  const items = await deps.resources.list(kind, {
    project,
    names: scope === "all" ? undefined : scope,
    labels: parseLabelSelector(labelSelector),
    after: decodeContinue(token),
    limit: limit + 1,
  });
  const page = items.slice(0, limit);
  const more = items.length > limit ? page.at(-1) : undefined;
  const metadata = { resourceVersion, ...(more && { continue: encodeContinue(more) }) };
  return { json: { apiVersion: API_VERSION, kind: "List", metadata, items: page } };
}

async function watch(kind: Kind, deps: ResourceRoutesDeps, request: RouteRequest<unknown, ListQuery>): Promise<Reply> {
  const { project, labelSelector, resourceVersion } = request.query;
  const labels = Object.entries(parseLabelSelector(labelSelector) ?? {});
  const start = await deps.watch.startingPoint(resourceVersion);
  const changes = deps.watch.watch(start, request.signal);
  const isSse = request.headers.accept?.includes("text/event-stream") ?? false;
  return toWatchStream(changes, {
    isSse,
    start,
    // A session or a right that is lost ends what a watch shows.
    checkCaller: async () => void (await request.readmit()),
    async isWanted({ plural, object }) {
      if (plural !== kind.plural || (project !== undefined && object.metadata.project !== project)) return false;
      if (!labels.every(([key, value]) => object.metadata.labels[key] === value)) return false;
      const scope = await scopeOf(kind, deps, await request.readmit(), "watch");
      return scope === "all" || scope.has(object.metadata.name);
    },
  });
}

async function scopeOf(
  { plural: resource }: Kind,
  { rbac }: ResourceRoutesDeps,
  { principal }: RequestContext,
  verb: "list" | "watch",
): Promise<Scope> {
  return (await rbac.current()).getAllowedScope(principal, { verb, resource });
}

function refOf(
  { plural, singular, scope }: Kind,
  { params, query }: { params: Readonly<Record<string, string>>; query: ObjectQuery },
): ResourceRef {
  const { name = "" } = params;
  if (scope === "project" && query.project === undefined && !isUid(name)) {
    throw new McpctlError("bad-request", `The name of a ${singular} says nothing without its project`, {
      hint: "Add ?project=PROJECT, or -p PROJECT to the command",
    });
  }
  return { plural, project: query.project ?? "", name };
}

function optionsOf({ context, query }: RouteRequest<unknown, WriteQuery>) {
  return { context, fieldManager: query.fieldManager, isDryRun: query.dryRun === "server" };
}

function resourceReply(resource: Resource): Reply {
  return { json: resource, headers: { etag: `"${resource.metadata.resourceVersion}"` } };
}

function ifMatch({ headers }: Pick<RouteRequest, "headers">): string | undefined {
  const given = headers["if-match"];
  if (given === undefined || given === "*") return undefined;
  const [, version] = /^"(\d+)"$/.exec(given) ?? [];
  if (version !== undefined) return version;
  throw new McpctlError("bad-request", "If-Match must be an ETag that this server gave", { hint: 'For example: "42"' });
}

function withIfMatch(request: RouteRequest<unknown, WriteQuery>): unknown {
  const version = ifMatch(request);
  if (version === undefined) return request.body;
  const body = parseWith(z.looseObject({ metadata: z.looseObject({}) }), request.body, "The request body");
  return { ...body, metadata: { ...body.metadata, resourceVersion: version } };
}
