import type { DiscoveredServer } from "@mcpctl/shared/api/contracts.ts";
import type { ClientCapabilities, Upstream } from "@mcpctl/shared/mcp/upstream.ts";

const IDLE_MS = 600_000;
const MAX_UPSTREAMS = 1_000;
const NOTHING: ClientCapabilities = {};

interface UpstreamPoolDeps {
  open(server: DiscoveredServer, as: OpenedAs): Upstream;
  /** Monotonic milliseconds. */
  now(): number;
}

/** On whose behalf a connection is. */
export interface OpenedAs {
  /** Credential for mcpd's relay. */
  bearer: string | undefined;
  /** What clients can be asked for over it. */
  capabilities: ClientCapabilities;
}

interface Pooled {
  bearer: string | undefined;
  upstream: Upstream;
  usedAt: number;
}

/**
 * The connections to one server. Callers share one, except on mcpd's relay: there the caller's own token is the
 * credential, so that each has a connection of their own and none acts under the rights of another. Clients that can be
 * asked for something share one with those that can be asked for the same, since a server hears of that only once.
 */
export class UpstreamPool {
  readonly #server: DiscoveredServer;
  readonly #deps: UpstreamPoolDeps;
  readonly #pooled = new Map<string, Pooled>();
  #shared: Upstream | undefined;

  constructor(server: DiscoveredServer, deps: UpstreamPoolDeps) {
    this.#server = server;
    this.#deps = deps;
  }

  /** @throws {McpctlError} when the server's address cannot be used at all. */
  get(caller: string | undefined, declared: ClientCapabilities = NOTHING): Upstream {
    const bearer = this.#server.isRelay ? caller : undefined;
    const capabilities = declared === NOTHING || Object.keys(declared).length > 0 ? declared : NOTHING;
    if (bearer === undefined && capabilities === NOTHING)
      return (this.#shared ??= this.#deps.open(this.#server, { bearer, capabilities }));
    const key = capabilities === NOTHING ? (bearer ?? "") : `${bearer ?? ""} ${JSON.stringify(capabilities)}`;
    const pooled = this.#pooled.get(key) ?? this.#add(key, { bearer, capabilities });
    pooled.usedAt = this.#deps.now();
    return pooled.upstream;
  }

  /** Closes what nobody has used for a while. */
  sweep(): void {
    for (const [key, { usedAt }] of this.#pooled) {
      if (this.#deps.now() - usedAt > IDLE_MS) this.#drop(key);
    }
  }

  /** Closes the connection of a token that no longer works. */
  forget(bearer: string): void {
    for (const [key, pooled] of this.#pooled) if (pooled.bearer === bearer) this.#drop(key);
  }

  async close(): Promise<void> {
    const upstreams = [...this.#pooled.values()].map(({ upstream }) => upstream);
    if (this.#shared) upstreams.push(this.#shared);
    this.#pooled.clear();
    this.#shared = undefined;
    await Promise.allSettled(upstreams.map((upstream) => upstream.close()));
  }

  #add(key: string, as: OpenedAs): Pooled {
    const [oldest] = this.#pooled.keys();
    if (this.#pooled.size >= MAX_UPSTREAMS && oldest !== undefined) this.#drop(oldest);
    const pooled = { bearer: as.bearer, upstream: this.#deps.open(this.#server, as), usedAt: this.#deps.now() };
    this.#pooled.set(key, pooled);
    return pooled;
  }

  #drop(key: string): void {
    const pooled = this.#pooled.get(key);
    this.#pooled.delete(key);
    pooled?.upstream.close().catch(() => {});
  }
}
