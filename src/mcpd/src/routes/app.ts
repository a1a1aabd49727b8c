import { randomUUID } from "node:crypto";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { parseBoundedJson } from "@mcpctl/shared/json.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { RequestContext } from "../services/request-context.ts";
import type { Reply, Route } from "./route.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/;

/** Seconds; Fastify enforces a slow body only when all three are set, the header limit being the smallest. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 };

export interface AppDeps {
  routes: readonly Route[];
  /** @throws {McpctlError} `unauthenticated`, `forbidden`, `not-found` */
  admit(route: Route, request: AdmissionRequest): Promise<RequestContext>;
  /** Called once per answered request. */
  onAnswered(answer: { method: string; route: string; status: number; seconds: number }): void;
  log: Logger;
}

export interface AdmissionRequest {
  requestId: string;
  authorization: string | undefined;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, unknown>>;
  path: string;
}

export interface App {
  /** @returns the base URL. @throws {McpctlError} `port-in-use` */
  listen(address: { host: string; port: number }): Promise<string>;
  /** Ends watches and waits for requests that are under way. */
  close(): Promise<void>;
}

/** Binds every route the same way: admit, parse, handle, render. Only this file knows the framework. */
export function createApp(deps: AppDeps): App {
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: TIMEOUTS.requestTimeout,
    http: TIMEOUTS,
    forceCloseConnections: "idle",
    genReqId: ({ headers }) => {
      const given = headers["x-request-id"];
      return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: 300 },
  });
  const closing = new AbortController();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  for (const route of deps.routes) bindRoute(app, { ...deps, route, closing: closing.signal });
  app.setNotFoundHandler((request) => {
    throw new McpctlError("not-found", `No such path: ${request.method} ${request.url.split("?")[0]}`, {
      hint: "The paths are listed at /openapi.json",
    });
  });
  app.setErrorHandler((error, request, reply) => sendError(deps.log, { error, request, reply }));
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    deps.onAnswered({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 });
  });
  return {
    listen: (address) => listen(app, address),
    async close() {
      closing.abort();
      await app.close();
    },
  };
}

interface Binding extends AppDeps {
  route: Route;
  closing: AbortSignal;
}

function bindRoute(app: FastifyInstance, { route, closing, admit }: Binding): void {
  app.route<{ Params: Record<string, string>; Querystring: Record<string, unknown> }>({
    method: route.method,
    url: route.path,
    async handler(request, reply) {
      const { params } = request;
      const query = singleValues(request.query);
      const path = request.url.split("?")[0] ?? "";
      reply.header("x-request-id", request.id);
      const authorization = singleAuthorization(request.raw.rawHeaders);
      const context = await admit(route, { requestId: request.id, authorization, params, query, path });
      const answer = await route.handle({
        context,
        params,
        query: route.query ? parseWith(route.query, query, "The query") : query,
        headers: request.headers,
        body: parseBody(route, request),
        signal: AbortSignal.any([closing, goneSignal(reply)]),
      });
      return send(reply, answer);
    },
  });
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return gone.signal;
}

function singleValues(query: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(query).map(([key, value]): [string, string] => {
    if (typeof value === "string") return [key, value];
    throw new McpctlError("bad-request", `The query names "${key}" twice`);
  });
  return Object.fromEntries(entries);
}

/** Node joins or drops repeated headers; two credentials in one request are refused, whichever would have won. */
function singleAuthorization(rawHeaders: readonly string[]): string | undefined {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "authorization");
  if (values.length > 1) throw new McpctlError("bad-request", "The request has more than one Authorization header");
  return values[0];
}

function parseBody(route: Route, request: FastifyRequest): unknown {
  if (route.body === undefined) return undefined;
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  if (route.body === "bytes") return bytes;
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  const consumes = route.consumes ?? ["application/json"];
  if (type === undefined || !consumes.includes(type)) {
    throw new McpctlError("unsupported-media-type", `Content-Type ${type ?? "(none)"} is not taken here`, {
      hint: `Send it as ${consumes.join(" or ")}`,
    });
  }
  const json = parseBoundedJson(bytes);
  return route.body === "json" ? json : parseWith(route.body, json, "The request body");
}

function send(reply: FastifyReply, { status, headers, json, content }: Reply) {
  const hasContent = json !== undefined || content !== undefined;
  reply.code(status ?? (hasContent ? 200 : 204)).headers(headers ?? {});
  if (json !== undefined) return reply.type("application/json; charset=utf-8").send(JSON.stringify(json));
  return reply.send(
    content instanceof Uint8Array ? Buffer.from(content.buffer, content.byteOffset, content.length) : content,
  );
}

interface Failure {
  error: unknown;
  request: FastifyRequest;
  reply: FastifyReply;
}

function sendError(log: Logger, { error, request, reply }: Failure) {
  const known = fromFramework(error);
  const problem = toProblem(known, request.id);
  if (problem.code === "internal") log.error({ err: error, requestId: request.id }, "request failed unexpectedly");
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .code(problem.status)
    .header("x-request-id", request.id)
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problem));
}

/** Fastify's own failures, told by their code. */
function fromFramework(error: unknown): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new McpctlError("payload-too-large", `The body is larger than ${MAX_BODY_BYTES} bytes`, { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH") {
    return new McpctlError("bad-request", "The body does not have the length that Content-Length says", {
      cause: error,
    });
  }
  if (code === "FST_ERR_BAD_URL" || code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new McpctlError("bad-request", "The URL or the Content-Type is malformed", { cause: error });
  }
  return error;
}

async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    if (!isAddressInUse(cause)) throw cause;
    throw new McpctlError("port-in-use", `${host}:${port} is in use by another program`, {
      hint: "Stop that program, or choose another address with --listen HOST:PORT",
      cause,
    });
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
