import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { McpctlError, notFound } from "@mcpctl/shared/errors.ts";
import { KINDS } from "@mcpctl/shared/kinds/index.ts";
import { API_VERSION, type Kind, type Resource } from "@mcpctl/shared/kinds/kind.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "@mcpctl/shared/problem.ts";

export const FAKE_TOKEN = "mcpctl_ses_fake";
const FAKE_MINTED = "mcpctl_pat_minted";
const FAKE_CREDENTIAL = "mcpctl_gw_minted";
export const FAKE_PASSWORD = "correct horse battery";
const CREATED_AT = "2026-01-01T00:00:00.000Z";

const SESSIONS = [
  {
    id: "6f1f0b9e-5d2c-4c5b-9f43-0a3d2c1b4e5f",
    method: "oidc",
    address: "192.0.2.1",
    createdAt: CREATED_AT,
    lastUsedAt: "2026-01-02T00:55:00.000Z",
    expiresAt: "2026-01-02T12:00:00.000Z",
    isCurrent: true,
  },
  {
    id: "9b1d3f7a-2c44-4e0e-8a53-5f0e6d7c8b9a",
    method: "local",
    address: "",
    createdAt: CREATED_AT,
    lastUsedAt: CREATED_AT,
    expiresAt: "2026-01-02T12:00:00.000Z",
    isCurrent: false,
  },
];

export interface Received {
  method: string;
  /** With its query. */
  path: string;
  authorization: string | undefined;
  contentType: string | undefined;
  body: unknown;
}

interface Call extends Received {
  query: URLSearchParams;
}
interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
}

export interface FakeApi extends AsyncDisposable {
  url: string;
  /** Everything that was asked, in order. */
  received: Received[];
  put(plural: string, manifest: object): void;
  names(plural: string): string[];
  /** Answers every request of the method on the path so. */
  answer(method: string, path: string, json: unknown): void;
  /** Fails every request of the method on the path. */
  fail(method: string, path: string, error: McpctlError): void;
}

/** A control plane in memory, over real HTTP: it stores what it gets and merges nothing. */
export async function startFakeApi({ pageSize = 500 } = {}): Promise<FakeApi> {
  const objects = new Map<string, Resource>();
  const failures = new Map<string, McpctlError>();
  const answers = new Map<string, unknown>();
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, async () => {
      const call = await toCall(request);
      received.push(call);
      const path = call.path.split("?")[0] ?? "";
      const failure = failures.get(`${call.method} ${path}`);
      if (failure) throw failure;
      const isOpen = path === "/version" || path.startsWith("/api/v1/login");
      if (!isOpen && call.authorization !== `Bearer ${FAKE_TOKEN}`)
        throw new McpctlError("unauthenticated", "No valid session");
      if (answers.has(`${call.method} ${path}`)) return { json: answers.get(`${call.method} ${path}`) };
      return fixedRoute(call, path) ?? objectRoute(objects, { call, path, pageSize });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    put: (plural, manifest) => void store(objects, plural, manifest as Manifest),
    names: (plural) =>
      [...objects.keys()].filter((key) => key.startsWith(`${plural}/`)).map((key) => key.split("/").at(-1) ?? ""),
    answer: (method, path, json) => void answers.set(`${method} ${path}`, json),
    fail: (method, path, error) => void failures.set(`${method} ${path}`, error),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  _request: IncomingMessage,
  response: ServerResponse,
  handle: () => Promise<Answer>,
): Promise<void> {
  const send = (status: number, type: string, json: unknown, headers = {}) =>
    response
      .writeHead(status, { ...headers, "content-type": type })
      .end(json === undefined ? "" : JSON.stringify(json));
  try {
    const { status = 200, headers, json } = await handle();
    send(status, "application/json", json, headers);
  } catch (thrown) {
    const problem = toProblem(thrown, "request-1");
    send(problem.status, PROBLEM_MEDIA_TYPE, problem);
  }
}

async function toCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const path = request.url ?? "";
  return {
    method: request.method ?? "",
    path,
    query: new URL(path, "http://fake").searchParams,
    authorization: request.headers.authorization,
    contentType: request.headers["content-type"],
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function fixedRoute({ method, body }: Call, path: string): Answer | undefined {
  if (path === "/version") return { json: { version: "0.1.0" } };
  if (path === "/api/v1/logout") return { status: 204 };
  if (path === "/api/v1/login/methods") return { json: { password: true } };
  if (path.startsWith("/api/v1/sessions")) return method === "GET" ? { json: { items: SESSIONS } } : { status: 204 };
  if (path === "/api/v1/password") return { json: { token: FAKE_TOKEN, expiresAt: "2026-01-03T00:00:00.000Z" } };
  if (path === "/api/v1/secrets/rotate") return { json: { keyId: "0123456789abcdef", rewrapped: 3, remaining: 0 } };
  if (path === "/api/v1/whoami") return { json: { kind: "User", name: "alice@test.com", groups: ["devs"] } };
  if (/^\/api\/v1\/users\/[^/]+\/password$/.test(path) && method === "PUT") return { status: 204 };
  if (path !== "/api/v1/login") return undefined;
  if ((body as { password: string }).password !== FAKE_PASSWORD)
    throw new McpctlError("unauthenticated", "Wrong user or password");
  return { json: { token: FAKE_TOKEN, expiresAt: "2026-01-02T00:00:00.000Z" } };
}

type Manifest = { metadata: Partial<Resource["metadata"]> & { name: string }; spec: unknown; status?: unknown };
type Objects = Map<string, Resource>;

function keyOf(plural: string, { project, name }: { project?: string | undefined; name: string }): string {
  return [plural, ...(project === undefined ? [] : [project]), name].join("/");
}

function store(objects: Objects, plural: string, { metadata, spec, status }: Manifest): Resource {
  const { name, ...given } = metadata;
  const kind = KINDS.find((candidate) => candidate.plural === plural);
  const observed = {
    uid: "00000000-0000-4000-8000-000000000001",
    generation: 1,
    resourceVersion: "7",
    createdAt: CREATED_AT,
  };
  const resource = {
    apiVersion: API_VERSION,
    kind: kind?.kind ?? "",
    metadata: {
      name,
      labels: {},
      annotations: {},
      managedFields: [],
      updatedAt: CREATED_AT,
      ...observed,
      ...given,
    },
    // As mcpd does: what is absent gets its default.
    spec: kind?.spec.safeParse(spec).data ?? spec,
    ...(status !== undefined && { status }),
  } as Resource;
  objects.set(keyOf(plural, metadata), resource);
  return resource;
}

interface ObjectCall {
  call: Call;
  path: string;
  pageSize: number;
}

function objectRoute(objects: Objects, { call, path, pageSize }: ObjectCall): Answer {
  const [, plural = "", name, verb] = /^\/api\/v1\/([^/]+)(?:\/([^/]+))?(?:\/(revoke))?$/.exec(path) ?? [];
  const kind = KINDS.find((candidate) => candidate.plural === plural);
  if (!kind) throw new McpctlError("not-found", `No such path: ${path}`);
  if (name === undefined)
    return call.method === "POST"
      ? create(objects, kind, call.body as Manifest)
      : list(objects, { kind, call, pageSize });
  const key = keyOf(plural, { project: call.query.get("project") ?? undefined, name: decodeURIComponent(name) });
  if (call.method === "PATCH") return apply(objects, { kind, key, call });
  const found = objects.get(key);
  if (!found) throw notFound(kind.singular, decodeURIComponent(name));
  if (call.method === "DELETE") objects.delete(key);
  return { json: verb === "revoke" ? { ...found, status: { phase: "Revoked" } } : found };
}

function create(objects: Objects, kind: Kind, manifest: Manifest): Answer {
  if (objects.has(keyOf(kind.plural, manifest.metadata))) {
    throw new McpctlError("already-exists", `${kind.singular} "${manifest.metadata.name}" exists already`);
  }
  const created = store(objects, kind.plural, manifest);
  const token = { mcptokens: FAKE_MINTED, gateways: FAKE_CREDENTIAL }[kind.plural];
  return { status: 201, json: { ...created, ...(token !== undefined && { token }) } };
}

function apply(objects: Objects, { kind, key, call }: { kind: Kind; key: string; call: Call }): Answer {
  const before = objects.get(key);
  const manifest = call.body as Manifest;
  const isSame = JSON.stringify(before?.spec) === JSON.stringify(kind.spec.parse(manifest.spec));
  const outcome = before === undefined ? "created" : isSame ? "unchanged" : "configured";
  const json = call.query.get("dryRun") === "server" ? manifest : store(objects, kind.plural, manifest);
  return {
    status: before === undefined ? 201 : 200,
    headers: { "mcpctl-result": outcome },
    json: { apiVersion: API_VERSION, kind: kind.kind, ...json },
  };
}

function list(objects: Objects, { kind, call, pageSize }: { kind: Kind; call: Call; pageSize: number }): Answer {
  const labels = (call.query.get("labelSelector") ?? "")
    .split(",")
    .filter(Boolean)
    .map((term) => term.split("="));
  const project = call.query.get("project");
  const items = [...objects.values()].filter(
    ({ kind: name, metadata }) =>
      name === kind.kind &&
      (project === null || metadata.project === project) &&
      labels.every(([key = "", value]) => metadata.labels[key] === value),
  );
  const from = Number(call.query.get("continue") ?? 0);
  const next = from + pageSize;
  const metadata = { resourceVersion: "42", ...(next < items.length && { continue: String(next) }) };
  return { json: { apiVersion: API_VERSION, kind: "List", metadata, items: items.slice(from, next) } };
}
