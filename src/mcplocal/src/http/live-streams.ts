import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Caller } from "../auth/principal.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import type { Project } from "../projects/project.ts";
import { type ListMessages, updateMessage } from "../protocol/change-messages.ts";
import { EventStream } from "./event-stream.ts";

const KEEP_ALIVE_MS = 15_000;
/** Shorter than what a cached answer of mcpd is believed for, so that a revoked token loses its streams within that. */
const CHECK_MS = 4_000;
const MAX_STREAMS = 10_000;
const MAX_STREAMS_PER_TOKEN = 256;

interface LiveStreamOptions {
  exchange: ServerExchange;
  caller: Caller;
  project: Project;
  /** First message on the stream. */
  greeting?: Uint8Array;
  /** What says that a list changed, for those lists of which the client wants to know. */
  changed?: ListMessages;
  /** Whether the client wants to know when this resource changes. */
  wants?: (uri: string) => boolean;
  /** Further members of what says so. */
  updateMeta?: Readonly<Record<string, unknown>>;
  /** Last message, when the stream ends in good order. */
  farewell?: Uint8Array;
  /** Whether this is the stream of its session to tell it on. */
  isChosen?: (stream: LiveStream) => boolean;
  onClose?: (stream: LiveStream) => void;
}

export interface LiveStream {
  /** Tells that a list changed. */
  tell(kind: ListKind): void;
  /** Ends the stream in good order. */
  close(): void;
}

interface Kept extends LiveStream {
  caller: Caller;
  project: Project;
  authorization: string | undefined;
  events: EventStream;
}

interface LiveStreamsDeps {
  authenticator: Authenticator;
  /** Monotonic milliseconds. */
  now(): number;
}

/** The streams that stay open without a request of their own: kept alive, and cut when their token stops working. */
export class LiveStreams {
  readonly #deps: LiveStreamsDeps;
  readonly #streams = new Set<Kept>();
  #checkedAt: number;
  #keptAliveAt: number;

  constructor(deps: LiveStreamsDeps) {
    this.#deps = deps;
    this.#checkedAt = deps.now();
    this.#keptAliveAt = deps.now();
  }

  get size(): number {
    return this.#streams.size;
  }

  /** @throws {McpctlError} `too-many-requests` */
  open(options: LiveStreamOptions): LiveStream {
    const { exchange, caller, project, greeting, changed, farewell, isChosen, onClose, wants, updateMeta } = options;
    this.#checkRoom(caller.principal.sha);
    const events = new EventStream(exchange);
    const kept: Kept = {
      caller,
      project,
      authorization: exchange.headers.get("authorization"),
      events,
      tell(kind) {
        const message = changed?.[kind];
        if (message && (isChosen?.(kept) ?? true)) events.send(message);
      },
      close() {
        if (farewell) events.send(farewell);
        events.end();
      },
    };
    const stopListening = project.listen({
      changed: kept.tell,
      updated(uri) {
        if (!wants?.(uri) || !(isChosen?.(kept) ?? true)) return;
        events.send(updateMessage(uri, updateMeta));
      },
      closed: kept.close,
    });
    this.#streams.add(kept);
    events.onClose(() => {
      stopListening();
      this.#streams.delete(kept);
      onClose?.(kept);
    });
    if (greeting) events.send(greeting);
    return kept;
  }

  /** Looks at the token behind every stream. */
  checkAll(): void {
    this.#checkedAt = this.#deps.now();
    for (const stream of this.#streams) this.#check(stream);
  }

  endOfToken(sha: string): void {
    for (const stream of this.#streams) if (stream.caller.principal.sha === sha) stream.close();
  }

  tick(): void {
    const now = this.#deps.now();
    if (now - this.#keptAliveAt >= KEEP_ALIVE_MS) {
      this.#keptAliveAt = now;
      for (const { events } of this.#streams) events.keepAlive();
    }
    if (now - this.#checkedAt >= CHECK_MS) this.checkAll();
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  #check(stream: Kept): void {
    const { authenticator } = this.#deps;
    const cached = authenticator.findCached(stream.authorization);
    // Who listens is a member like those who ask, and the project is kept up to date for them.
    if (cached) stream.project.isUsable(stream.caller.bearer);
    else authenticator.authenticate(stream.authorization).catch(() => stream.close());
  }

  #checkRoom(sha: string): void {
    const ofToken = [...this.#streams].filter(({ caller }) => caller.principal.sha === sha).length;
    if (this.#streams.size < MAX_STREAMS && ofToken < MAX_STREAMS_PER_TOKEN) return;
    throw new McpctlError("too-many-requests", "Too many open streams", {
      hint: "Close streams that are no longer needed",
    });
  }
}
