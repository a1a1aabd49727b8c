import { isDeepStrictEqual } from "node:util";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { ResourceInterests } from "@mcpctl/shared/mcp/resource-interests.ts";
import type { Upstream, UpstreamIdentity } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord } from "../protocol/client-message.ts";
import { LIST_NAMES, LISTED, type ListName } from "./listed-kinds.ts";
import { type CatalogueEntry, listAll, type Listing, nounOf } from "./listing.ts";

const FRESH_MS = 300_000;
const RETRY_MS = 5_000;
const LIST_TIMEOUT_MS = 30_000;
/** How long anybody waits for a server that has never been seen. */
const FIRST_WAIT_MS = 5_000;
/** Whatever calls for a new look, the server is not asked more often than this. */
const SHORTEST_PAUSE_MS = 1_000;
const MAX_INSTRUCTIONS = 8_192;

interface ServerCatalogueDeps {
  name: string;
  timeoutSeconds: number;
  /** The connection to list over. */
  connection(): Upstream;
  /** Monotonic milliseconds. */
  now(): number;
  onChange(): void;
  /** A resource that was subscribed to has changed. */
  onUpdated(uri: string): void;
  /** What was known of the server before its spec or process changed, or at the last start. */
  previous: { last: Look; fault: McpctlError | undefined } | undefined;
}

/** A part of what a server offers that had to be left out. */
export interface Omission {
  code: string;
  message: string;
}

export interface Look {
  lists: Readonly<Record<ListName, readonly CatalogueEntry[]>>;
  omissions: readonly Omission[];
  capabilities: UpstreamIdentity["capabilities"];
  instructions: string | undefined;
}

export const NOTHING_SEEN: Look = {
  lists: { tools: [], prompts: [], resources: [], resourceTemplates: [] },
  omissions: [],
  capabilities: {},
  instructions: undefined,
};

/** What is known of what one server offers: the last that it said, and whether it can be believed now. */
export class ServerCatalogue {
  readonly #deps: ServerCatalogueDeps;
  readonly #firstOutcome = Promise.withResolvers<void>();
  #last: Look;
  #fault: McpctlError | undefined;
  #isSettled: boolean;
  #firstWait: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #attemptedAt = -Infinity;
  #soon: NodeJS.Timeout | undefined;
  #watched: { upstream: Upstream; end: () => void } | undefined;
  readonly #interests = new ResourceInterests();
  #isClosed = false;

  constructor(deps: ServerCatalogueDeps) {
    this.#deps = deps;
    this.#last = deps.previous?.last ?? NOTHING_SEEN;
    this.#isSettled = deps.previous !== undefined && deps.previous.fault === undefined;
    if (!this.#isSettled) this.#fault = notYet(deps.name);
  }

  /** What the server said when it last answered; kept while it is faulty. */
  get last(): Look {
    return this.#last;
  }

  /** Why the server cannot be used now. */
  get fault(): McpctlError | undefined {
    return this.#fault;
  }

  /** Whether there is nothing to wait for: the server has answered or failed once, or has had its time to. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Resolves once `isSettled`; starts the first look if nobody has. */
  settled(): Promise<void> {
    this.refreshWhenDue();
    this.#firstWait ??= Promise.race([this.#firstOutcome.promise, pause(FIRST_WAIT_MS)]).then(() => {
      this.#isSettled = true;
    });
    return this.#firstWait;
  }

  /** Looks again, in the background, if what is known is too old. */
  refreshWhenDue(): void {
    const pauseMs = this.#fault ? RETRY_MS : FRESH_MS;
    if (this.#deps.now() - this.#attemptedAt >= pauseMs) this.#refresh();
  }

  /** Looks again as soon as it is decent: the server said that it changed, or a call found it gone. */
  readonly refreshSoon = (): void => {
    if (this.#soon || this.#isClosed) return;
    const waitMs = this.#attemptedAt + SHORTEST_PAUSE_MS - this.#deps.now();
    if (waitMs <= 0 && !this.#running) {
      this.#refresh();
      return;
    }
    this.#soon = setTimeout(
      () => {
        this.#soon = undefined;
        this.refreshSoon();
      },
      Math.max(waitMs, SHORTEST_PAUSE_MS / 10),
    ).unref();
  };

  /** Has the server tell when a resource changes. @returns a function that ends it. */
  subscribe(uri: string): () => void {
    return this.#interests.subscribe(uri);
  }

  close(): void {
    this.#isClosed = true;
    this.#interests.moveTo(undefined);
    clearTimeout(this.#soon);
    this.#watched?.end();
    this.#firstOutcome.resolve();
  }

  #refresh(): void {
    if (this.#running || this.#isClosed) return;
    this.#attemptedAt = this.#deps.now();
    this.#running = this.#look().finally(() => {
      this.#running = undefined;
    });
  }

  async #look(): Promise<void> {
    const signal = AbortSignal.timeout(Math.min(LIST_TIMEOUT_MS, this.#deps.timeoutSeconds * 1_000));
    const known = { last: this.#last, fault: this.#fault };
    try {
      this.#last = await this.#ask(signal);
      this.#fault = undefined;
    } catch (thrown) {
      this.#fault = toFault(this.#deps.name, thrown, signal);
    }
    if (this.#isClosed) return;
    this.#isSettled = true;
    this.#firstOutcome.resolve();
    // A change costs the project a new view of everything, so a look that finds nothing new must not count as one.
    const hasChanged = !isSameFault(known.fault, this.#fault) || !isDeepStrictEqual(known.last, this.#last);
    if (hasChanged) this.#deps.onChange();
  }

  async #ask(signal: AbortSignal): Promise<Look> {
    const upstream = this.#deps.connection();
    const { capabilities, instructions } = await upstream.connect(signal);
    this.#watchOn(upstream);
    const listings = await Promise.all(
      LIST_NAMES.map(async (list): Promise<Listed> => {
        const hasList = isRecord(capabilities[LISTED[list].capability]);
        return hasList ? await this.#list(upstream, list, signal) : NO_ENTRIES;
      }),
    );
    return {
      lists: toRecord(LIST_NAMES, (_, index) => listings[index]?.entries ?? []),
      omissions: listings.flatMap(({ omission }) => omission ?? []),
      capabilities,
      instructions: instructions?.slice(0, MAX_INSTRUCTIONS),
    };
  }

  /** A server that cannot list its tools is of no use; one that cannot list something else still has its tools. */
  async #list(upstream: Upstream, list: ListName, signal: AbortSignal): Promise<Listed> {
    try {
      const { entries, leftOut }: Listing = await listAll(upstream, list, signal);
      if (leftOut === 0) return { entries };
      const message = `${leftOut} malformed ${nounOf(LISTED[list])} are left out`;
      return { entries, omission: { code: "upstream-protocol", message } };
    } catch (thrown) {
      if (list === "tools" || !(thrown instanceof McpctlError)) throw thrown;
      return { entries: this.#last.lists[list], omission: { code: thrown.code, message: thrown.message } };
    }
  }

  #watchOn(upstream: Upstream): void {
    if (this.#watched?.upstream === upstream) return;
    this.#watched?.end();
    const end = upstream.onChange((change) => {
      if (change.kind === "resource") this.#deps.onUpdated(change.uri);
      else this.refreshSoon();
    });
    this.#watched = { upstream, end };
    this.#interests.moveTo(upstream);
  }
}

interface Listed {
  entries: readonly CatalogueEntry[];
  omission?: Omission;
}

const NO_ENTRIES: Listed = { entries: [] };

function toRecord<K extends string, V>(keys: readonly K[], valueOf: (key: K, index: number) => V): Record<K, V> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every key is there
  return Object.fromEntries(keys.map((key, index) => [key, valueOf(key, index)])) as Record<K, V>;
}

function notYet(name: string): McpctlError {
  return new McpctlError("upstream-timeout", `Server "${name}" has not answered yet`, {
    hint: "Try again in a moment",
  });
}

function isSameFault(one: McpctlError | undefined, other: McpctlError | undefined): boolean {
  return one?.code === other?.code && one?.message === other?.message;
}

function toFault(name: string, thrown: unknown, signal: AbortSignal): McpctlError {
  if (thrown instanceof McpctlError) return thrown;
  if (!signal.aborted) return new McpctlError("internal", `Server "${name}" cannot be listed`, { cause: thrown });
  return new McpctlError("upstream-timeout", `Server "${name}" did not list what it offers in time`, {
    hint: `Look at it with: mcpctl describe server ${name}`,
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
