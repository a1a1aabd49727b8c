import type { DiscoveredServer, Discovery, Introspection } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { generateToken } from "@mcpctl/shared/tokens/index.ts";
import type { ControlPlane } from "../../src/control-plane/control-plane.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";
import { createHttpUpstream } from "../../src/upstreams/http-upstream.ts";

type ServerInput = Partial<DiscoveredServer> & Pick<DiscoveredServer, "name">;
type ProjectInput = Partial<Discovery["project"]>;

/** A control plane in memory, which a test changes while the gateway runs. */
export interface FakeControlPlane extends ControlPlane {
  /** @returns the raw token. */
  addToken(project: string, name?: string): string;
  revoke(token: string): void;
  setProject(name: string, servers: ServerInput[], project?: ProjectInput): void;
  removeProject(name: string): void;
  /** Says to whoever follows that tokens or rights have changed. */
  announceChange(): void;
  /** How many follow such changes. */
  followerCount(): number;
  /** Whether mcpd answers at all. */
  setReachable(isReachable: boolean): void;
  /** Makes connections in a way of the test's own, by server name. */
  setUpstream(server: string, open: () => Upstream): void;
  /** Bearers that were asked about, oldest first. */
  readonly introspected: string[];
  close(): Promise<void>;
}

export function createFakeControlPlane(): FakeControlPlane {
  const dispatcher = createDispatcher();
  const tokens = new Map<string, Introspection>();
  const projects = new Map<string, Discovery>();
  const upstreams = new Map<string, () => Upstream>();
  const introspected: string[] = [];
  const followers = new Set<() => void>();
  let isReachable = true;

  function requireReachable(): void {
    if (!isReachable) throw new McpctlError("unreachable", "mcpd does not answer");
  }

  return {
    introspected,
    addToken(project, name = "agent") {
      const { raw, sha } = generateToken();
      tokens.set(raw, { active: true, name, project, sha, creator: "ada" });
      return raw;
    },
    revoke: (token) => void tokens.delete(token),
    setProject(name, servers, project = {}) {
      const defaults = { name, naming: "prefix" as const, proxyModel: "default", tools: { deny: [] } };
      projects.set(name, { project: { ...defaults, ...project }, servers: servers.map(withDefaults) });
    },
    followerCount: () => followers.size,
    announceChange() {
      for (const follower of followers) follower();
    },
    async followIdentity(_bearer, onChange, signal) {
      requireReachable();
      followers.add(onChange);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      followers.delete(onChange);
    },
    removeProject: (name) => void projects.delete(name),
    setReachable: (reachable) => void (isReachable = reachable),
    setUpstream: (server, open) => void upstreams.set(server, open),
    async introspect(bearer) {
      introspected.push(bearer);
      requireReachable();
      return tokens.get(bearer) ?? { active: false };
    },
    async discover(project) {
      requireReachable();
      const found = projects.get(project);
      if (!found) throw new McpctlError("not-found", `project "${project}" not found`);
      return structuredClone(found);
    },
    ping: async () => requireReachable(),
    openUpstream({ name, url, headers, isRelay, timeoutSeconds }, { bearer, capabilities }) {
      const open = upstreams.get(name);
      if (open) return open();
      const credential = isRelay && bearer !== undefined ? { authorization: `Bearer ${bearer}` } : {};
      const all = { ...headers, ...credential };
      return createHttpUpstream({ name, url: new URL(url), headers: all, timeoutSeconds, dispatcher, capabilities });
    },
    close: () => dispatcher.destroy(),
  };
}

function withDefaults(server: ServerInput): DiscoveredServer {
  const defaults = { revision: "1", url: "http://127.0.0.1:1/mcp", headers: {}, isRelay: false, timeoutSeconds: 20 };
  return { ...defaults, tools: { deny: [] }, ...server };
}
