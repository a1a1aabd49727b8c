import { isDeepStrictEqual } from "node:util";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { isRecord } from "../protocol/client-message.ts";
import { type Listing, listTools } from "./list-tools.ts";

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
  /** What was known of the server before its spec or process changed. */
  previous: ServerCatalogue | undefined;
}

interface Look extends Listing {
  instructions: string | undefined;
}

/** What is known of one server's tools: the last that it said, and whether it can be believed now. */
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
  #isClosed = false;

  constructor(deps: ServerCatalogueDeps) {
    this.#deps = deps;
    this.#last = deps.previous?.last ?? { tools: [], leftOut: 0, instructions: undefined };
    this.#isSettled = deps.previous !== undefined && deps.previous.fault === undefined;
    if (!this.#isSettled) this.#fault = notYet(deps.name);
  }

  /** What the server said when it last answered; kept while it is faulty. */
  get last(): Look {
    return this.#last;
  }

  /** Why the tools cannot be called now. */
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

  close(): void {
    this.#isClosed = true;
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
    // A change costs the project a new view of all its tools, so a look that finds nothing new must not count as one.
    const hasChanged = !isSameFault(known.fault, this.#fault) || !isDeepStrictEqual(known.last, this.#last);
    if (hasChanged) this.#deps.onChange();
  }

  async #ask(signal: AbortSignal): Promise<Look> {
    const upstream = this.#deps.connection();
    const { capabilities, instructions } = await upstream.connect(signal);
    this.#watchOn(upstream);
    const hasTools = isRecord(capabilities["tools"]);
    const listing = hasTools ? await listTools(upstream, signal) : { tools: [], leftOut: 0 };
    return { ...listing, instructions: instructions?.slice(0, MAX_INSTRUCTIONS) };
  }

  #watchOn(upstream: Upstream): void {
    if (this.#watched?.upstream === upstream) return;
    this.#watched?.end();
    this.#watched = { upstream, end: upstream.onToolsChanged(this.refreshSoon) };
  }
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
  return new McpctlError("upstream-timeout", `Server "${name}" did not list its tools in time`, {
    hint: `Look at it with: mcpctl describe server ${name}`,
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
