import { randomUUID } from "node:crypto";
import { type IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { CONNECTION_BOUNDS, type ConnectionLimits } from "@mcpctl/shared/connection-limits.ts";
import { type ErrorCode, isErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { answerClientError, retryHeaders, tooManyConnections } from "@mcpctl/shared/http-refusal.ts";
import { parseBoundedJson } from "@mcpctl/shared/json.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";
import { principalName } from "@mcpctl/shared/rbac/principal.ts";
import { RequestLoads, tooManyBodies } from "@mcpctl/shared/request-loads.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "@mcpctl/shared/log.ts";
import type { RequestContext } from "../services/request-context.ts";
import { fromFramework } from "./framework-errors.ts";
import { listen } from "./listen.ts";
import { clientAddress, parseQuery, singleAuthorization, singleValues } from "./request-parts.ts";
import type { Reply, Route, RouteRequest } from "./route.ts";
import { handBack, upgradeOf } from "./upgrade.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** What somebody may send who has not said who it is. */
const MAX_PUBLIC_BODY_BYTES = 16 * 1024;
const CLOSE_TIMEOUT_MS = 5_000;
const SWITCHING_PROTOCOLS = 101;
/** A gateway is one caller, and all calls of its clients come from it. */
const MAX_REQUESTS_PER_CALLER = 8_192;
const SWEEP_MS = 1_000;
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
  /** Whose X-Forwarded-For is believed: addresses and networks. */
  trustedProxies: readonly string[];
  log: Logger;
}

export interface AdmissionRequest {
  requestId: string;
  authorization: string | undefined;
  /** Address that it comes from. */
  source: string;
  /** As the client declares it. */
  requestBytes: number | undefined;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, unknown>>;
}

export interface App {
  /** @returns the base URL. @throws {McpctlError} `port-in-use` */
  listen(address: { host: string; port: number }): Promise<string>;
  /** Ends watches and waits for requests that are under way. */
  close(): Promise<void>;
}

/** Binds every route the same way: admit, parse, handle, render. Only this file knows the framework. */
export function createApp(deps: AppDeps): App {
  const protocols = new Set(deps.routes.flatMap(({ upgrade }) => upgrade?.protocol ?? []));
  const wantsSwitch = (request: IncomingMessage) => protocols.has(upgradeOf(request) ?? "");
  const app = Fastify({
    logger: false,
    trustProxy: deps.trustedProxies.length > 0 && [...deps.trustedProxies],
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: TIMEOUTS.requestTimeout,
    http: { ...TIMEOUTS, shouldUpgradeCallback: wantsSwitch },
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
  const sockets = new Map<IncomingMessage, Socket>();
  const loads = new RequestLoads({ requestsPerCaller: MAX_REQUESTS_PER_CALLER });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  for (const route of deps.routes)
    bindRoute(app, { ...deps, route, admitted, loads, sockets, closing: closing.signal });
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
  app.server.on("upgrade", (request, socket, head) => {
    if (wantsSwitch(request)) routeUpgrade(app, request, { head, sockets });
    else handBack(app.server, request, { socket, head });
  });
  return {
    listen: (address) => listen(app, address),
    async close() {
      closing.abort();
      // A client that sends half a request, or does not read its answer, must not keep the program alive.
      const impatience = setTimeout(() => {
        app.server.closeAllConnections();
        for (const socket of sockets.values()) socket.destroy();
      }, CLOSE_TIMEOUT_MS);
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
  /** Of requests that ask for another protocol. */
  sockets: ReadonlyMap<IncomingMessage, Socket>;
  closing: AbortSignal;
}

interface Switch {
  head: Buffer;
  sockets: Map<IncomingMessage, Socket>;
}

/** Lets a request that asks for another protocol go the way of all others; the server has let go of its connection. */
function routeUpgrade(app: FastifyInstance, request: IncomingMessage, { head, sockets }: Switch): void {
  const { socket } = request;
  const response = new ServerResponse(request);
  sockets.set(request, socket);
  socket.on("error", () => socket.destroy()).once("close", () => sockets.delete(request));
  if (head.length > 0) socket.unshift(head);
  response.assignSocket(socket);
  response.shouldKeepAlive = false;
  response.once("finish", () => {
    response.detachSocket(socket);
    if (response.statusCode !== SWITCHING_PROTOCOLS) socket.end();
  });
  app.routing(request, response);
}

function bindRoute(app: FastifyInstance, { route, closing, admit, admitted, loads, sockets }: Binding): void {
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
      const origin = { source: request.ip, requestBytes: declaredBytes(request) };
      const readmit = () => admit(route, { requestId, authorization, ...origin, params, query });
      const context = await readmit();
      admitted.set(request, { context, readmit });
      reserve(loads, principalName(context.principal), { request, reply });
    },
    async handler(request, reply) {
      const entry = admitted.get(request);
      if (!entry) throw new McpctlError("internal", "A request reached its handler without being admitted");
      const given: Omit<RouteRequest, "signal"> = {
        ...entry,
        params: request.params,
        query: parseQuery(route, request.query),
        headers: request.headers,
        address: clientAddress(request.ip),
        body: parseBody(route, request),
      };
      const socket = sockets.get(request.raw);
      const upgrade = route.upgrade?.protocol === upgradeOf(request.raw) ? route.upgrade : undefined;
      const takeOver = socket && (await upgrade?.accept({ ...given, signal: closing }));
      if (takeOver) {
        announceSwitch(reply, upgrade?.protocol);
        return takeOver(socket);
      }
      return send(reply, await route.handle({ ...given, signal: AbortSignal.any([closing, goneSignal(reply)]) }));
    },
  });
}

function announceSwitch(reply: FastifyReply, protocol = ""): void {
  reply.hijack();
  reply.raw.writeHead(SWITCHING_PROTOCOLS, { connection: "Upgrade", upgrade: protocol }).end();
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

function declaredBytes({ headers }: FastifyRequest): number | undefined {
  const bytes = Number(headers["content-length"] ?? NaN);
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return gone.signal;
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
