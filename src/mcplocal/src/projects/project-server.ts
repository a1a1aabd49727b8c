import type { DiscoveredServer } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ClientCapabilities, Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { ViewedServer } from "./project-view.ts";
import { type Look, ServerCatalogue } from "./server-catalogue.ts";
import { type OpenedAs, UpstreamPool } from "./upstream-pool.ts";

/** Calls that are under way when a server is replaced may still finish. */
const RETIREMENT_MS = 30_000;

export interface ProjectServerDeps {
  open(server: DiscoveredServer, as: OpenedAs): Upstream;
  /** Whose rights a look at the server's tools uses. */
  lookAs(): string | undefined;
  /** Monotonic milliseconds. */
  now(): number;
  onChange(): void;
  /** A resource that was subscribed to has changed. */
  onUpdated(uri: string): void;
}

interface ProjectServerStart {
  /** What was known of it before. */
  previous: { last: Look; fault: McpctlError | undefined } | undefined;
  /** Why nothing can be called, although what was known is shown; absent as long as mcpd can be asked. */
  offline: McpctlError | undefined;
}

/** One server of a project at one revision: how to reach it and what it offers. */
export class ProjectServer {
  #discovered: DiscoveredServer;
  readonly #pool: UpstreamPool;
  readonly catalogue: ServerCatalogue;
  #offline: McpctlError | undefined;
  /** Calls that the server has not answered yet. */
  callsInFlight = 0;

  constructor(discovered: DiscoveredServer, deps: ProjectServerDeps, { previous, offline }: ProjectServerStart) {
    this.#discovered = discovered;
    this.#offline = offline;
    this.#pool = new UpstreamPool(discovered, deps);
    this.catalogue = new ServerCatalogue({
      name: discovered.name,
      timeoutSeconds: discovered.timeoutSeconds,
      connection: () => this.#pool.get(deps.lookAs()),
      now: deps.now,
      onChange: deps.onChange,
      onUpdated: deps.onUpdated,
      previous,
    });
  }

  get name(): string {
    return this.#discovered.name;
  }

  /** Why the server cannot be called now, as mcpd or the last look at it says. */
  get fault(): McpctlError | undefined {
    if (this.#offline) return this.#offline;
    return this.#ownFault;
  }

  get #ownFault(): McpctlError | undefined {
    const { fault } = this.#discovered;
    if (!fault) return this.catalogue.fault;
    return new McpctlError(
      "upstream-unavailable",
      `Server "${this.name}" is not available (${fault.reason}): ${fault.message}`,
      {
        hint: `Look at it with: mcpctl describe server ${this.name}`,
      },
    );
  }

  /** Whether it says that it logs. */
  get hasLogging(): boolean {
    return this.catalogue.last.capabilities["logging"] !== undefined;
  }

  get isSettled(): boolean {
    return this.#offline !== undefined || this.#discovered.fault !== undefined || this.catalogue.isSettled;
  }

  /** Resolves once `isSettled`. A server that mcpd says is faulty is not dialled. */
  async settled(): Promise<void> {
    if (!this.#offline && !this.#discovered.fault) await this.catalogue.settled();
  }

  /** The connection for calls under the rights of one caller, who can be asked for something. */
  upstream(bearer: string | undefined, capabilities?: ClientCapabilities): Upstream {
    return this.#pool.get(bearer, capabilities);
  }

  /** @returns false when the server must be replaced, because this is another revision of it. */
  update(discovered: DiscoveredServer): boolean {
    if (addressOf(discovered) !== addressOf(this.#discovered)) return false;
    const wasUnusable = this.#offline ?? this.#discovered.fault;
    this.#offline = undefined;
    const hasRecovered = wasUnusable !== undefined && !discovered.fault;
    this.#discovered = discovered;
    if (hasRecovered) this.lookSoon();
    return true;
  }

  /** Looks again at once, unless that has just been done. */
  lookSoon(): void {
    if (!this.#offline && !this.#discovered.fault) this.catalogue.refreshSoon();
  }

  tick(): void {
    this.#pool.sweep();
    if (!this.#offline && !this.#discovered.fault) this.catalogue.refreshWhenDue();
  }

  forget(bearer: string): void {
    this.#pool.forget(bearer);
  }

  toViewed(): ViewedServer<ProjectServer> {
    return {
      ...this.catalogue.last,
      source: this,
      name: this.name,
      policy: this.#discovered.tools,
      // What was known is shown while nobody can say what is.
      fault: this.#offline ? undefined : this.#ownFault,
    };
  }

  /** Stops looking at the server, and closes its connections once calls have had time to finish. */
  retire(): void {
    this.catalogue.close();
    setTimeout(() => void this.#pool.close(), RETIREMENT_MS).unref();
  }

  async close(): Promise<void> {
    this.catalogue.close();
    await this.#pool.close();
  }
}

function addressOf({ revision, url, headers, isRelay, timeoutSeconds }: DiscoveredServer): string {
  return JSON.stringify([revision, url, headers, isRelay, timeoutSeconds]);
}
