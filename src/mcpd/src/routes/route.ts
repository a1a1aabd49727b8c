import type { IncomingHttpHeaders } from "node:http";
import type { Duplex, Readable } from "node:stream";
import type { AccessVerb, Action } from "@mcpctl/shared/rbac/vocabulary.ts";
import type * as z from "zod";
import type { RequestContext } from "../services/request-context.ts";

/** What a route demands before its handler runs. Every route names one; there is no default. */
export type Permission =
  /** Anybody, without a bearer. */
  | { kind: "public" }
  /** Any principal; the handler shows only what is the principal's own. */
  | { kind: "authenticated" }
  /** A verb on a resource: on the object in `:name`, or on the resource as a whole. */
  | { kind: "access"; verb: AccessVerb; resource: string }
  /** `create` or `update`, whichever it turns out to be; the service decides when it knows. */
  | { kind: "apply"; resource: string }
  /** `use` of the project in `:project`. */
  | { kind: "project" }
  /** An action. */
  | { kind: "action"; action: Action };

export interface RouteRequest<Body = unknown, Query = Record<string, string>> {
  context: RequestContext;
  /**
   * Admits the request once more, as rights and sessions are now; for answers that go on for long.
   *
   * @throws {McpctlError} `unauthenticated`, `forbidden`, `not-found`
   */
  readmit(): Promise<RequestContext>;
  params: Readonly<Record<string, string>>;
  query: Query;
  headers: IncomingHttpHeaders;
  /** IP address of the client; of the nearest proxy that is not trusted, where there are some; "" when unknown. */
  address: string;
  body: Body;
  /** Aborted when the client is gone or the server closes. */
  signal: AbortSignal;
}

export interface Reply {
  /** 200 when absent; 204 when there is no content either. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  json?: unknown;
  content?: Uint8Array | Readable | string;
}

/** Another protocol that a route speaks, on the connection of the request that asked for it. */
export interface Upgrade {
  /** Token of the Upgrade header, in lower case. */
  protocol: string;
  summary: string;
  /**
   * Called instead of the handler, for a request that was admitted like any other.
   *
   * @returns what takes the connection over once the switch is announced; it is told of the server's end by the signal
   *   of the request. Undefined where the route does not switch: the handler answers then.
   * @throws {McpctlError} what the client gets instead, as a problem.
   */
  accept(request: RouteRequest): Promise<((connection: Duplex) => void) | undefined>;
}

/** A route is data: binding, authentication, authorization, parsing and OpenAPI are all derived from it. */
export interface Route<Body = unknown, Query = Record<string, string>> {
  method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  path: string;
  summary: string;
  permission: Permission;
  query?: z.ZodType<Query>;
  /** JSON is parsed by the schema; `json` leaves it as parsed; `bytes` leaves it as it came. */
  body?: z.ZodType<Body> | "json" | "bytes";
  /** For OpenAPI. */
  response?: z.ZodType;
  /** Media types of the body that the route takes; `application/json` when absent. */
  consumes?: readonly string[];
  upgrade?: Upgrade;
  handle(request: RouteRequest<Body, Query>): Promise<Reply>;
}

/** Types the handler from the route's own schemas, then forgets the types, so that all routes fit in one list. */
export function defineRoute<Body = unknown, Query = Record<string, string>>(route: Route<Body, Query>): Route {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a handler only gets what its own schemas returned
  return route as unknown as Route;
}
