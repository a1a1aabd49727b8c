import { API, type DiscoveredServer, type Discovery } from "@mcpctl/shared/api/contracts.ts";
import { hasCode, notFound } from "@mcpctl/shared/errors.ts";
import { type Condition, findCondition } from "@mcpctl/shared/kinds/conditions.ts";
import type { Resource } from "@mcpctl/shared/kinds/kind.ts";
import type { Project } from "@mcpctl/shared/kinds/projects.ts";
import { isProcessServer, type Server } from "@mcpctl/shared/kinds/servers.ts";
import { isToolAllowed } from "@mcpctl/shared/kinds/tool-policy.ts";
import { possibleNames } from "@mcpctl/shared/mcp/tool-names.ts";
import type { Principal } from "@mcpctl/shared/rbac/principal.ts";
import type { Database } from "../repositories/interfaces.ts";
import type { RbacService } from "./rbac.service.ts";
import type { RecentReads } from "./recent-reads.ts";
import { hasSecretRefs, type SecretRefs } from "./secret-refs.ts";

export interface DiscoveryService {
  /**
   * What a gateway must know to serve a project. The caller was admitted to the project before.
   *
   * @throws {McpctlError} `not-found`
   */
  discover(project: string, principal: Principal): Promise<Discovery>;
  /**
   * A server of a project, for the relay.
   *
   * @throws {McpctlError} `not-found` when the project does not offer it.
   */
  getServerOf(project: string, server: string): Promise<{ server: Server; isAllowed: (tool: string) => boolean }>;
}

interface DiscoveryDeps {
  database: Pick<Database, "read">;
  reads: RecentReads;
  rbac: RbacService;
  secretRefs: Pick<SecretRefs, "headersOf">;
}

const MISSING = { reason: "NotFound", message: "The project names it, but no such server exists" };

export function createDiscoveryService({ database, reads, rbac, secretRefs }: DiscoveryDeps): DiscoveryService {
  const { resources } = database.read;

  function find<R extends Resource>(plural: string, name: string): Promise<R | undefined> {
    return reads.read(`${plural} ${name}`, () => resources.find<R>({ plural, project: "", name }));
  }

  async function getProject(name: string): Promise<Project> {
    const project = await find<Project>("projects", name);
    if (!project) throw notFound("project", name);
    return project;
  }

  /**
   * What a caller that may resolve sends to a remote server itself. Values of Secrets are for gateways alone: whoever
   * else may see addresses is a person, and credentials do not leave for a laptop.
   *
   * @returns undefined where the relay has to add them.
   */
  async function headersFor({ spec }: Server, maySeeSecrets: boolean): Promise<Record<string, string> | undefined> {
    if (spec.url === undefined || (hasSecretRefs(spec.headers) && !maySeeSecrets)) return undefined;
    try {
      return await secretRefs.headersOf(spec);
    } catch (thrown) {
      // The relay says why, to whoever asks.
      if (hasCode(thrown, "upstream-unavailable")) return undefined;
      throw thrown;
    }
  }

  return {
    async discover(name, principal) {
      const project = await getProject(name);
      const mayResolve = (await rbac.current()).canRunOperation(principal, "resolve").allowed;
      const names = new Set(project.spec.servers);
      const found = await resources.list<Server>({ plural: "servers", names });
      const byName = new Map(found.map((server) => [server.metadata.name, server]));
      const { naming, proxyModel, tools } = project.spec;
      const maySeeSecrets = principal.kind === "Gateway" || principal.kind === "System";
      const servers = project.spec.servers.map(async (server) => {
        const path = API.relay(project.metadata.name, server);
        const found = byName.get(server);
        const headers = found && mayResolve ? await headersFor(found, maySeeSecrets) : undefined;
        return toDiscovered(server, found, { path, headers });
      });
      return {
        project: { name: project.metadata.name, naming, proxyModel, tools },
        servers: await Promise.all(servers),
      };
    },

    async getServerOf(projectName, serverName) {
      const project = await getProject(projectName);
      const isMember = project.spec.servers.includes(serverName);
      const server = isMember ? await find<Server>("servers", serverName) : undefined;
      if (!server) throw notFound("server", serverName);
      return { server, isAllowed: (tool) => isOffered(project.spec, server, tool) };
    },
  };
}

/**
 * The project's policy speaks of exposed names, of which a single server knows only what they may be. A tool is refused
 * when one of them is denied, or when none is allowed.
 */
function isOffered({ naming, tools }: Project["spec"], { metadata, spec }: Server, tool: string): boolean {
  if (!isToolAllowed(spec.tools, tool)) return false;
  const names = possibleNames({ server: metadata.name, tool }, naming);
  const isDenied = names.some((name) => !isToolAllowed({ deny: tools.deny }, name));
  return !isDenied && names.some((name) => isToolAllowed(tools, name));
}

interface Reach {
  /** Of mcpd's relay. */
  path: string;
  /** For going to its own address; undefined where the relay is the way. */
  headers: Record<string, string> | undefined;
}

function toDiscovered(name: string, server: Server | undefined, { path, headers }: Reach): DiscoveredServer {
  const relayed = { url: path, headers: {}, isRelay: true };
  if (!server) {
    const tools = { deny: [] };
    return { ...relayed, name, revision: "missing", timeoutSeconds: 1, tools, fault: MISSING };
  }
  const { spec, status } = server;
  const ready = findCondition(status, "Ready");
  return {
    ...(headers ? { url: spec.url ?? path, headers, isRelay: false } : relayed),
    ...(isProcessServer(spec) && { hasLink: true }),
    name,
    revision: revisionOf(server),
    timeoutSeconds: spec.timeoutSeconds,
    tools: spec.tools,
    ...(ready && isFault(ready) && { fault: { reason: ready.reason, message: ready.message } }),
  };
}

/** A server that is about to answer is no fault: calls wait for it. */
function isFault({ status, reason }: Condition): boolean {
  return status === "False" && reason !== "Pending" && reason !== "Starting";
}

/** Changes with the spec, and with every process that takes the place of another. */
function revisionOf({ spec, metadata, status }: Server): string {
  if (!isProcessServer(spec)) return `${metadata.uid}.${metadata.generation}`;
  const ready = findCondition(status, "Ready");
  return `${metadata.uid}.${metadata.generation}.${ready?.status === "True" ? ready.lastTransitionAt : "down"}`;
}
