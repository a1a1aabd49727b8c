import { randomUUID } from "node:crypto";
import { Socket } from "node:net";
import { CONNECTION_BOUNDS, type ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { type ErrorCode, isErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { answerClientError, retryHeaders, tooManyConnections } from "@mcpctl/shared/http-refusal.ts";
import { parseBoundedJson } from "@mcpctl/shared/json.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";
import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import { RequestLoads, tooManyBodies } from "@mcpctl/shared/request-loads.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import * as z from "zod";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { RequestContext } from "../services/request-context.ts";
import type { Reply, Route } from "./route.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** What somebody may send who has not said who it is. */
const MAX_PUBLIC_BODY_BYTES = 16 * 1024;
const CLOSE_TIMEOUT_MS = 5_000;
/** A gateway is one caller, and all calls of its clients come from it. */
const MAX_REQUESTS_PER_CALLER = 8_192;
const SWEEP_MS = 1_000;
/** Connections that come in one burst; the system may allow fewer. */
const BACKLOG = 4_096;
const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/;

/** Seconds; Fastify enforces a slow body only when all three are set, the header limit being the smallest. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 };

export interface AppDeps {
  routes: readonly Route[];
  /** @throws {McpctlError} `unauthenticated`, `forbidden`, `not-found` */
  admit(route: Route, request: AdmissionRequest): Promise<RequestContext>;
  /** Called once per answered request. */
  onAnswered(answer: { method: string; route: string; status: number; seconds: number }): void;
  /** Called for every request that is answered with a problem. */
  onRefused(code: ErrorCode): void;
  connections: ConnectionLimits;
  log: Logger;
}

export interface AdmissionRequest {
  requestId: string;
  authorization: string | undefined;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, unknown>>;
}

const NO_QUERY: z.ZodType<Record<string, string>> = z.strictObject({});

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
    frameworkErrors: (error, request, reply) => void sendError(deps, { error, request, reply }),
    clientErrorHandler: (error, socket) => {
      const told = socket instanceof Socket ? answerClientError(error, socket) : undefined;
      if (told) deps.onRefused(told.code);
    },
  });
  const endWatching = watchConnections(app, deps.connections);
  const closing = new AbortController();
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const loads = new RequestLoads({ requestsPerCaller: MAX_REQUESTS_PER_CALLER });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  for (const route of deps.routes) bindRoute(app, { ...deps, route, admitted, loads, closing: closing.signal });
  app.setNotFoundHandler((request) => {
    throw new McpctlError("not-found", `No such path: ${request.method} ${request.url.split("?")[0]}`, {
      hint: "The paths are listed at /openapi.json",
    });
  });
  app.setErrorHandler((error, request, reply) => sendError(deps, { error, request, reply }));
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    deps.onAnswered({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 });
  });
  return {
    listen: (address) => listen(app, address),
    async close() {
      closing.abort();
      // A client that sends half a request, or does not read its answer, must not keep the program alive.
      const impatience = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
      await app.close();
      clearTimeout(impatience);
      endWatching();
    },
  };
}

/** @returns a function that ends it. */
function watchConnections(app: FastifyInstance, connections: ConnectionLimits): () => void {
  app.server.setTimeout(CONNECTION_BOUNDS.silenceMs);
  app.server.on("connection", (socket) => connections.add(socket, performance.now()));
  app.addHook("onRequest", async ({ raw }, reply) => {
    if (reply.raw.socket === null) connections.addWaiting(raw.socket, reply.raw);
    const excess = connections.excessOf(raw.socket);
    if (excess) throw tooManyConnections(excess);
  });
  const sweeper = setInterval(() => connections.sweep(performance.now()), SWEEP_MS).unref();
  return () => clearInterval(sweeper);
}

interface Admitted {
  context: RequestContext;
  /** Admits the same request once more, as things are then. */
  readmit(): Promise<RequestContext>;
}

interface Binding extends AppDeps {
  route: Route;
  admitted: WeakMap<FastifyRequest, Admitted>;
  loads: RequestLoads;
  closing: AbortSignal;
}

function bindRoute(app: FastifyInstance, { route, closing, admit, admitted, loads }: Binding): void {
  app.route<{ Params: Record<string, string>; Querystring: Record<string, unknown> }>({
    method: route.method,
    url: route.path,
    bodyLimit: route.permission.kind === "public" ? MAX_PUBLIC_BODY_BYTES : MAX_BODY_BYTES,
    // Before the body is read: who may not come in cannot make us keep one.
    async onRequest(request, reply) {
      reply.header("x-request-id", request.id);
      const { params, id: requestId } = request;
      const query = singleValues(request.query);
      const authorization = singleAuthorization(request.raw.rawHeaders);
      const readmit = () => admit(route, { requestId, authorization, params, query });
      const context = await readmit();
      admitted.set(request, { context, readmit });
      reserve(loads, principalName(context.principal), { request, reply });
    },
    async handler(request, reply) {
      const entry = admitted.get(request);
      if (!entry) throw new McpctlError("internal", "A request reached its handler without being admitted");
      const answer = await route.handle({
        ...entry,
        params: request.params,
        query: parseQuery(route, request.query),
        headers: request.headers,
        body: parseBody(route, request),
        signal: AbortSignal.any([closing, goneSignal(reply)]),
      });
      return send(reply, answer);
    },
  });
}

/**
 * Takes room for the body before any of it is read, until the request is answered.
 *
 * @throws {McpctlError} `too-many-requests`, `unavailable`
 */
function reserve(loads: RequestLoads, caller: string, { request, reply }: Omit<Failure, "error">): void {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  const load = loads.begin(caller);
  reply.raw.once("close", load.end);
  const declared = length === undefined && coding !== undefined ? MAX_BODY_BYTES : Number(length ?? 0);
  if (!load.take(Math.min(declared, MAX_BODY_BYTES))) throw tooManyBodies();
}

/** Probes and balancers add parameters of their own to public paths; anywhere else an unknown one is a mistake. */
function parseQuery({ query, permission }: Route, given: Record<string, unknown>): Record<string, string> {
  const values = singleValues(given);
  if (!query && permission.kind === "public") return values;
  return parseWith(query ?? NO_QUERY, values, "The query");
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

function sendError({ log, onRefused }: Pick<AppDeps, "log" | "onRefused">, { error, request, reply }: Failure) {
  const known = fromFramework(error);
  const problem = toProblem(known, request.id);
  if (isErrorCode(problem.code)) onRefused(problem.code);
  if (problem.code === "internal") log.error({ err: error, requestId: request.id }, "request failed unexpectedly");
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .code(problem.status)
    .headers({ "x-request-id": request.id, ...retryHeaders(known) })
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problem));
}

/** Fastify's own failures, told by their code. */
function fromFramework(error: unknown): unknown {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new McpctlError("payload-too-large", "The body is larger than this path takes", { cause: error });
  }
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH") {
    return new McpctlError("bad-request", "The body does not have the length that Content-Length says", {
      cause: error,
    });
  }
  if (code === "FST_ERR_BAD_URL" || code === "FST_ERR_MAX_PARAM_LENGTH" || code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new McpctlError("bad-request", "The URL or the Content-Type is malformed", { cause: error });
  }
  return error;
}

async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    return await app.listen({ host, port, backlog: BACKLOG });
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
