import type { DiscoveredServer, Discovery } from "@mcpctl/shared/api/contracts.ts";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { ResourceInterests } from "@mcpctl/shared/mcp/resource-interests.ts";
import { LIST_KINDS, type ListKind, type Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import type { Log } from "../log.ts";
import { DiscoveryCache } from "./discovery-cache.ts";
import type { KnownProject, LastKnownGood } from "./last-known-good.ts";
import { NOTHING_SEEN } from "./server-catalogue.ts";
import { FirstWait } from "./first-wait.ts";
import type { OpenedAs } from "./upstream-pool.ts";
import { ProjectServer } from "./project-server.ts";
import { createProjectView, type ProjectView } from "./project-view.ts";

/** Changes that come together are told once. */
const ANNOUNCE_MS = 50;
const IDLE_MS = 600_000;

export interface ProjectDeps {
  discover(project: string, bearer: string | undefined): Promise<Discovery>;
  openUpstream(server: DiscoveredServer, as: OpenedAs): Upstream;
  /** Monotonic milliseconds. */
  now(): number;
  graceSeconds: number;
  log: Log;
  /** What was known at the last start; absent where nothing is kept. */
  lastKnown?: LastKnownGood | undefined;
  /** Whether lists are served from it while mcpd cannot be asked. Only for one's own use: nobody checks any right. */
  servesOffline?: boolean;
}

export interface ProjectListener {
  changed(kind: ListKind): void;
  /** A resource has changed to which somebody has subscribed; under the address that clients know. */
  updated(uri: string): void;
  /** The project is gone, or the gateway stops. */
  closed(): void;
}

/** A project as its members reach it: its servers, and the view of what they offer. */
export class Project {
  readonly name: string;
  readonly #deps: ProjectDeps;
  readonly #discovery: DiscoveryCache;
  readonly #listeners = new Set<ProjectListener>();
  #discovered: Discovery | undefined;
  #servers = new Map<string, ProjectServer>();
  #view: ProjectView<ProjectServer> | undefined;
  #announced: ProjectView<ProjectServer>["digests"] | undefined;
  #announcement: NodeJS.Timeout | undefined;
  /** Whose rights the project is looked at with: of the member who came last, since that token is known to work. */
  #bearer: string | undefined;
  #hasMember = false;
  readonly #firstWait = new FirstWait();
  readonly #interests = new ResourceInterests();
  /** Of the last start. */
  readonly #known: KnownProject | undefined;
  #offline: McpctlError | undefined;
  #usedAt: number;
  #isClosed = false;

  constructor(name: string, deps: ProjectDeps, onGone: () => void) {
    this.name = name;
    this.#deps = deps;
    this.#known = deps.lastKnown?.read(name);
    this.#usedAt = deps.now();
    this.#discovery = new DiscoveryCache({
      discover: (bearer) => deps.discover(name, bearer),
      now: deps.now,
      graceSeconds: deps.graceSeconds,
      onAnswer: (discovery) => this.#accept(discovery),
      // What was out of reach behind mcpd may be there again.
      onRecovered: () => this.#lookAgain(),
      onGone,
      onFailed: (err) => deps.log.warn({ err, project: name }, "cannot ask mcpd what the project consists of"),
    });
  }

  /** Whether the project can be used without waiting. `bearer` is of a caller who has just been authenticated. */
  isUsable(bearer: string | undefined): boolean {
    this.#usedAt = this.#deps.now();
    this.#lookAs(bearer);
    return this.#discovery.isUsable(bearer) || this.#offline !== undefined;
  }

  /** @throws {McpctlError} `not-found`, `unavailable`. */
  async load(bearer: string | undefined): Promise<void> {
    this.#lookAs(bearer);
    try {
      await this.#discovery.load(bearer);
    } catch (thrown) {
      if (!hasCode(thrown, "unavailable") || !this.#goOffline()) throw thrown;
    }
  }

  /** Whether every server has been seen, has failed, or has had its time. */
  get isSettled(): boolean {
    for (const server of this.#servers.values()) if (!server.isSettled) return false;
    return true;
  }

  /** Resolves once `isSettled`, after a few seconds at the latest. */
  async settled(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.settled()));
  }

  /** Whether a list need not wait: some servers are there, and the others have had their moment. */
  get isListable(): boolean {
    return this.#firstWait.isOver || this.isSettled;
  }

  /** Resolves once `isListable`. */
  async listable(): Promise<void> {
    await Promise.race([this.settled(), this.#firstWait.over()]);
  }

  view(): ProjectView<ProjectServer> {
    this.#view ??= this.#createView();
    this.#announced ??= this.#view.digests;
    return this.#view;
  }

  /** @returns a function that ends it. */
  listen(listener: ProjectListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Has the servers tell when a resource changes, also those that take the place of today's.
   *
   * @param uri - as clients know it.
   * @returns a function that ends it.
   */
  subscribe(uri: string): () => void {
    return this.#interests.subscribe(uri);
  }

  /** @returns false when nobody has needed the project for a while. */
  tick(): boolean {
    const isIdle = this.#listeners.size === 0 && this.#deps.now() - this.#usedAt > IDLE_MS;
    if (isIdle) return false;
    if (!this.#hasMember) return true;
    if (this.#listeners.size > 0) this.#discovery.isUsable(this.#bearer);
    for (const server of this.#servers.values()) server.tick();
    return true;
  }

  countServers(): { ready: number; faulty: number } {
    const faulty = [...this.#servers.values()].filter(({ fault }) => fault !== undefined).length;
    return { ready: this.#servers.size - faulty, faulty };
  }

  /** Adds the calls that each server has not answered yet. */
  addCallsInFlight(counts: Map<string, number>): void {
    for (const { name, callsInFlight } of this.#servers.values()) {
      counts.set(name, (counts.get(name) ?? 0) + callsInFlight);
    }
  }

  /** Closes what was opened under the rights of a token that no longer works. */
  forget(bearer: string): void {
    if (this.#bearer === bearer) this.#hasMember = false;
    for (const server of this.#servers.values()) server.forget(bearer);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#announcement);
    for (const listener of this.#listeners) listener.closed();
    this.#listeners.clear();
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  #lookAs(bearer: string | undefined): void {
    this.#bearer = bearer;
    if (this.#hasMember) return;
    this.#hasMember = true;
    this.#lookAgain();
  }

  #lookAgain(): void {
    for (const server of this.#servers.values()) server.lookSoon();
  }

  /** @returns whether there is anything to serve. */
  #goOffline(): boolean {
    const known = this.#deps.servesOffline ? this.#known : undefined;
    if (!known || this.#discovered) return this.#offline !== undefined;
    this.#offline = offlineSince(known.savedAt);
    this.#replaceServers(known.discovery);
    return true;
  }

  #accept(discovery: Discovery): void {
    const isNews = this.#offline !== undefined || JSON.stringify(discovery) !== JSON.stringify(this.#discovered);
    if (this.#isClosed || !isNews) return;
    this.#offline = undefined;
    this.#replaceServers(discovery);
  }

  #replaceServers(discovery: Discovery): void {
    this.#discovered = discovery;
    const before = this.#servers;
    this.#servers = new Map();
    for (const discovered of discovery.servers) {
      const known = before.get(discovered.name);
      const server = known?.update(discovered) ? known : this.#createServer(discovered, known);
      this.#servers.set(discovered.name, server);
      server.settled().catch(() => {});
    }
    for (const [name, server] of before) if (this.#servers.get(name) !== server) server.retire();
    if (!this.isSettled) this.#firstWait.begin();
    this.#subscribeAnew();
    this.#onChange();
  }

  #createServer(discovered: DiscoveredServer, previous: ProjectServer | undefined): ProjectServer {
    const deps = {
      open: this.#deps.openUpstream,
      lookAs: () => this.#bearer,
      now: this.#deps.now,
      onChange: () => this.#onChange(),
      onUpdated: (uri: string) => this.#onUpdated(discovered.name, uri),
    };
    const known = this.#known?.looks[discovered.name];
    const before = previous?.catalogue ?? (known && { last: known, fault: undefined });
    return new ProjectServer(discovered, deps, { previous: before, offline: this.#offline });
  }

  #createView(): ProjectView<ProjectServer> {
    const definition = this.#discovered?.project ?? NOTHING;
    return createProjectView(
      definition,
      [...this.#servers.values()].map((server) => server.toViewed()),
      this.#offline ? [{ server: "mcpd", code: this.#offline.code, message: this.#offline.message }] : [],
    );
  }

  /** Whoever has a resource now is not who had it before. */
  #subscribeAnew(): void {
    this.#interests.moveTo({ subscribe: (uri) => this.#subscribeAtOwner(uri) });
  }

  #subscribeAtOwner(uri: string): () => void {
    const ends = this.view()
      .resources.ownersOf(uri)
      .map((owner) => owner.source.catalogue.subscribe(owner.uri));
    return () => ends.forEach((end) => end());
  }

  #onUpdated(server: string, uri: string): void {
    const exposed = this.view().resources.exposedUri({ server, uri });
    for (const listener of this.#listeners) listener.updated(exposed);
  }

  #hasAnswers(): boolean {
    for (const server of this.#servers.values()) if (server.isSettled && !server.fault) return true;
    return false;
  }

  #onChange(): void {
    this.#view = undefined;
    this.#keep();
    if (!this.#firstWait.isOver && this.#hasAnswers()) void this.#firstWait.answered();
    this.#announcement ??= setTimeout(() => this.#announce(), ANNOUNCE_MS).unref();
  }

  #keep(): void {
    const discovery = this.#discovered;
    if (!discovery || this.#offline) return;
    this.#deps.lastKnown?.write(this.name, () => {
      const seen = [...this.#servers.values()].filter(({ catalogue }) => catalogue.last !== NOTHING_SEEN);
      return { discovery, looks: Object.fromEntries(seen.map(({ name, catalogue }) => [name, catalogue.last])) };
    });
  }

  #announce(): void {
    this.#announcement = undefined;
    if (this.#announced === undefined) return;
    const before = this.#announced;
    const { digests } = this.view();
    this.#announced = digests;
    if (digests.resources !== before.resources) this.#subscribeAnew();
    for (const kind of LIST_KINDS) {
      if (digests[kind] === before[kind]) continue;
      for (const listener of this.#listeners) listener.changed(kind);
    }
  }
}

function offlineSince(savedAt: string): McpctlError {
  return new McpctlError("unavailable", `mcpd cannot be reached; what is shown was known at ${savedAt}`, {
    hint: "Calls work again as soon as mcpd does: check --mcpd-url and the network",
  });
}

const NOTHING: Discovery["project"] = { name: "", naming: "prefix", proxyModel: "default", tools: { deny: [] } };
