import type { DiscoveredServer } from "@mcpctl/shared/api/contracts.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";

const IDLE_MS = 600_000;
const MAX_UPSTREAMS = 1_000;

interface UpstreamPoolDeps {
  open(server: DiscoveredServer, bearer: string | undefined): Upstream;
  /** Monotonic milliseconds. */
  now(): number;
}

interface Pooled {
  upstream: Upstream;
  usedAt: number;
}

/**
 * The connections to one server. Callers share one, except on mcpd's relay: there the caller's own token is the
 * credential, so that each has a connection of their own and none acts under the rights of another.
 */
export class UpstreamPool {
  readonly #server: DiscoveredServer;
  readonly #deps: UpstreamPoolDeps;
  readonly #byBearer = new Map<string, Pooled>();
  #shared: Upstream | undefined;

  constructor(server: DiscoveredServer, deps: UpstreamPoolDeps) {
    this.#server = server;
    this.#deps = deps;
  }

  /** @throws {McpctlError} when the server's address cannot be used at all. */
  get(bearer: string | undefined): Upstream {
    if (!this.#server.isRelay) return (this.#shared ??= this.#deps.open(this.#server, undefined));
    const key = bearer ?? "";
    const pooled = this.#byBearer.get(key) ?? this.#add(key, bearer);
    pooled.usedAt = this.#deps.now();
    return pooled.upstream;
  }

  /** Closes what nobody has used for a while. */
  sweep(): void {
    for (const [key, { usedAt }] of this.#byBearer) {
      if (this.#deps.now() - usedAt > IDLE_MS) this.#drop(key);
    }
  }

  /** Closes the connection of a token that no longer works. */
  forget(bearer: string): void {
    this.#drop(bearer);
  }

  async close(): Promise<void> {
    const upstreams = [...this.#byBearer.values()].map(({ upstream }) => upstream);
    if (this.#shared) upstreams.push(this.#shared);
    this.#byBearer.clear();
    this.#shared = undefined;
    await Promise.allSettled(upstreams.map((upstream) => upstream.close()));
  }

  #add(key: string, bearer: string | undefined): Pooled {
    const [oldest] = this.#byBearer.keys();
    if (this.#byBearer.size >= MAX_UPSTREAMS && oldest !== undefined) this.#drop(oldest);
    const pooled = { upstream: this.#deps.open(this.#server, bearer), usedAt: this.#deps.now() };
    this.#byBearer.set(key, pooled);
    return pooled;
  }

  #drop(key: string): void {
    const pooled = this.#byBearer.get(key);
    this.#byBearer.delete(key);
    pooled?.upstream.close().catch(() => {});
  }
}
