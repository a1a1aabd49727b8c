import * as z from "zod";
import { McpctlError } from "../errors.ts";
import { type Gateway, gateways } from "../kinds/gateways.ts";
import { API_VERSION, type Kind, type Resource, type ResourceList, type ResourceOf } from "../kinds/kind.ts";
import { type McpToken, mcpTokens } from "../kinds/mcp-tokens.ts";
import { users } from "../kinds/users.ts";
import { type Ask, createAsk } from "./ask.ts";
import { type AuditCalls, auditCalls } from "./audit-calls.ts";
import { type ApiRequest, createTransport, type TransportOptions } from "./client-transport.ts";
import {
  type AccessReview,
  accessReview,
  API,
  APPLY_MEDIA_TYPE,
  type LoginResponse,
  loginResponse,
  type Permissions,
  permissionsResponse,
  secretsRotation,
  type SecretsRotation,
  versionResponse,
  type Whoami,
  whoamiResponse,
} from "./contracts.ts";
import { type PeopleCalls, peopleCalls } from "./people-client.ts";

const PAGE_SIZE = "500";

export interface ListQuery {
  project?: string | undefined;
  /** `a=b,c=d` */
  labelSelector?: string | undefined;
}

/** One object. Kinds of scope "project" need the project, others ignore it. */
export interface ObjectName {
  name: string;
  project?: string | undefined;
}

/** A manifest as its author wrote it; nothing is filled in, because what is absent is not owned. */
export interface WrittenManifest {
  metadata: ObjectName;
}

export interface ApplyOptions {
  fieldManager: string;
  /** Takes fields over from their present owners. */
  force?: boolean | undefined;
  /** Runs the whole admission and stores nothing. */
  isDryRun?: boolean | undefined;
}

const applyOutcome = z.enum(["created", "configured", "unchanged"]);
export type ApplyOutcome = z.output<typeof applyOutcome>;

/** REST of mcpd, typed. Every method throws the McpctlErrors that mcpd answers, and `unreachable`. */
export interface ApiClient extends AuditCalls, PeopleCalls {
  /** Follows every page. */
  list<K extends Kind>(kind: K, query?: ListQuery): Promise<ResourceList<ResourceOf<K>>>;
  get<K extends Kind>(kind: K, object: ObjectName): Promise<ResourceOf<K>>;
  create<K extends Kind>(kind: K, manifest: WrittenManifest): Promise<ResourceOf<K>>;
  /** @throws {McpctlError} `conflict` when `metadata.resourceVersion` is stale. */
  update<K extends Kind>(kind: K, manifest: WrittenManifest): Promise<ResourceOf<K>>;
  /** @throws {McpctlError} `conflict`, with a field and its owner for each. */
  apply<K extends Kind>(
    kind: K,
    manifest: WrittenManifest,
    options: ApplyOptions,
  ): Promise<{ resource: ResourceOf<K>; outcome: ApplyOutcome }>;
  delete<K extends Kind>(kind: K, object: ObjectName): Promise<ResourceOf<K>>;
  /** `token` is the raw bearer; mcpd shows it this once. */
  createMcpToken(manifest: WrittenManifest): Promise<{ resource: McpToken; token: string }>;
  revokeMcpToken(object: ObjectName): Promise<McpToken>;
  /** `token` is the credential of the gateway; mcpd shows it this once. */
  createGateway(manifest: WrittenManifest): Promise<{ resource: Gateway; token: string }>;
  /** Brings some more secrets under the first key of mcpd; to be called until none remains. */
  rotateSecrets(): Promise<SecretsRotation>;
  login(user: string, password: string): Promise<LoginResponse>;
  logout(): Promise<void>;
  whoami(): Promise<Whoami>;
  setPassword(user: string, password: string): Promise<void>;
  /** Whether somebody may do something; oneself when `as` is absent. */
  canI(asked: AccessQuestion): Promise<AccessReview>;
  /** What somebody holds; oneself when `as` is absent. */
  permissions(as?: string): Promise<Permissions>;
  version(): Promise<{ version: string }>;
}

export interface AccessQuestion {
  /** A verb on a resource, or `run` with an action for the resource. */
  verb: string;
  resource: string;
  name?: string | undefined;
  /** `User:NAME`, `McpToken:SHA` or `McpToken:PROJECT/NAME`. */
  as?: string | undefined;
}

const envelope = z.looseObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

/** The envelope alone is checked: the spec is what mcpd's schema of the kind let through, and a newer one may know more. */
function resourceOf<K extends Kind>(kind: K) {
  const isOne = (value: unknown) => envelope.safeParse(value).data?.kind === kind.kind;
  return z.custom<ResourceOf<K>>(isOne, `is no ${kind.kind}`).transform((resource) => inSchemaOrder(kind, resource));
}

/** The database keeps no order of members; people expect the one in which the kind is documented. */
function inSchemaOrder<R extends Resource>(kind: Kind, resource: R): R {
  const spec = kind.spec.safeParse(resource.spec);
  const status = kind.status.safeParse(resource.status);
  const ordered = { ...(spec.success && { spec: spec.data }), ...(status.success && { status: status.data }) };
  return Object.assign({ ...resource }, ordered);
}

function listOf<K extends Kind>(kind: K) {
  return z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal("List"),
    metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
    items: z.array(resourceOf(kind)),
  });
}

const withToken = z.looseObject({ token: z.string().min(1) });
const minted = z.intersection(resourceOf(mcpTokens), withToken);
const mintedGateway = z.intersection(resourceOf(gateways), withToken);

/** Creates a client for one mcpd. Nothing is sent before the first call. */
export function createApiClient(options: TransportOptions): ApiClient {
  const send = createTransport(options);
  const ask = createAsk(options.baseUrl, send);
  return { ...objectCalls(ask), ...sessionCalls(ask), ...auditCalls(ask), ...peopleCalls(ask) };
}

type ObjectCalls = Omit<ApiClient, keyof ReturnType<typeof sessionCalls> | keyof AuditCalls | keyof PeopleCalls>;

function objectCalls(ask: Ask): ObjectCalls {
  const one = async <K extends Kind>(kind: K, request: ApiRequest) => (await ask(resourceOf(kind), request)).value;
  return {
    list: (kind, query = {}) => listAll(ask, kind, query),
    get: async (kind, object) => one(kind, { method: "GET", ...addressOf(kind, object) }),
    create: (kind, manifest) => one(kind, { method: "POST", path: collectionOf(kind), body: manifest }),
    update: async (kind, manifest) =>
      one(kind, { method: "PUT", ...addressOf(kind, manifest.metadata), body: manifest }),
    apply: (kind, manifest, options) => applyOne(ask, { kind, manifest, options }),
    delete: async (kind, object) => one(kind, { method: "DELETE", ...addressOf(kind, object) }),
    async createMcpToken(manifest) {
      const { value } = await ask(minted, { method: "POST", path: collectionOf(mcpTokens), body: manifest });
      const { token, ...resource } = value;
      return { resource, token };
    },
    async createGateway(manifest) {
      const { value } = await ask(mintedGateway, { method: "POST", path: collectionOf(gateways), body: manifest });
      const { token, ...resource } = value;
      return { resource, token };
    },
    rotateSecrets: async () => (await ask(secretsRotation, { method: "POST", path: API.rotateSecrets })).value,
    async revokeMcpToken(object) {
      const { path, query } = addressOf(mcpTokens, object);
      return one(mcpTokens, { method: "POST", path: `${path}/revoke`, query });
    },
  };
}

interface ApplyCall<K extends Kind> {
  kind: K;
  manifest: WrittenManifest;
  options: ApplyOptions;
}

async function applyOne<K extends Kind>(ask: Ask, { kind, manifest, options }: ApplyCall<K>) {
  const { path, query } = addressOf(kind, manifest.metadata);
  const { value, status, headers } = await ask(resourceOf(kind), {
    method: "PATCH",
    path,
    query: {
      ...query,
      fieldManager: options.fieldManager,
      force: options.force ? "true" : undefined,
      dryRun: options.isDryRun ? "server" : undefined,
    },
    body: manifest,
    contentType: APPLY_MEDIA_TYPE,
  });
  const told = applyOutcome.safeParse(headers.get("mcpctl-result"));
  const outcome = told.data ?? (status === 201 ? "created" : "configured");
  return { resource: value, outcome };
}

async function listAll<K extends Kind>(ask: Ask, kind: K, query: ListQuery): Promise<ResourceList<ResourceOf<K>>> {
  const schema = listOf(kind);
  const items: ResourceOf<K>[] = [];
  let from: string | undefined;
  for (;;) {
    const { value } = await ask(schema, {
      method: "GET",
      path: collectionOf(kind),
      query: { ...query, limit: PAGE_SIZE, continue: from },
    });
    items.push(...value.items);
    const next: string | undefined = value.metadata.continue;
    if (next === undefined || next === from) {
      return {
        apiVersion: API_VERSION,
        kind: "List",
        metadata: { resourceVersion: value.metadata.resourceVersion },
        items,
      };
    }
    from = next;
  }
}

function sessionCalls(ask: Ask) {
  return {
    async login(user: string, password: string) {
      return (await ask(loginResponse, { method: "POST", path: API.login, body: { user, password } })).value;
    },
    async logout() {
      await ask(z.unknown(), { method: "POST", path: API.logout });
    },
    async whoami() {
      return (await ask(whoamiResponse, { method: "GET", path: API.whoami })).value;
    },
    async setPassword(user: string, password: string) {
      const { path } = addressOf(users, { name: user });
      await ask(z.unknown(), { method: "PUT", path: `${path}/password`, body: { password } });
    },
    async canI({ verb, resource, name, as }: AccessQuestion) {
      const query = { verb, resource, name, as };
      return (await ask(accessReview, { method: "GET", path: API.canI, query })).value;
    },
    async permissions(as?: string) {
      return (await ask(permissionsResponse, { method: "GET", path: API.permissions, query: { as } })).value;
    },
    async version() {
      return (await ask(versionResponse, { method: "GET", path: API.version })).value;
    },
  };
}

function collectionOf(kind: Kind): string {
  return `/api/v1/${kind.plural}`;
}

/** A URL drops `.` and `..`, so that such a "name" would address the collection, or another one. */
function addressOf(kind: Kind, { name, project }: ObjectName) {
  if (["", ".", ".."].includes(name)) {
    throw new McpctlError("invalid", `"${name}" is not the name of a ${kind.singular}`);
  }
  const path = `${collectionOf(kind)}/${encodeURIComponent(name)}`;
  return { path, query: kind.scope === "project" ? { project } : {} };
}
