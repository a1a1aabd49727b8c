import { McpctlError } from "@mcpctl/shared/errors.ts";
import { createLineMemory } from "@mcpctl/shared/mcp/line-memory.ts";
import { type LineLimits, LineUpstream, type LineUpstreamOptions } from "@mcpctl/shared/mcp/line-upstream.ts";
import type { Era } from "@mcpctl/shared/mcp/protocol.ts";
import {
  type ChangeListener,
  LIST_KINDS,
  type Upstream,
  type UpstreamChange,
  type UpstreamIdentity,
  type UpstreamReply,
  type UpstreamRequestOptions,
} from "@mcpctl/shared/mcp/upstream.ts";
import { ResourceInterests } from "@mcpctl/shared/mcp/resource-interests.ts";
import { waitFor } from "@mcpctl/shared/wait-for.ts";
import type { ByteSink } from "@mcpctl/shared/mcp/line-writer.ts";

const MIB = 1_024 * 1_024;
const LIMITS: LineLimits = { probeMs: 3_000, maxLineBytes: 16 * MIB, maxUnsentBytes: 16 * MIB, maxRequests: 2_048 };
const MAX_GREETING_SECONDS = 30;
const FIRST_PAUSE_MS = 1_000;
/** Whoever wants to hear of changes hears of those after at most two minutes without mcpd; the next call dials anyway. */
const MAX_REDIALS = 7;
const NEVER = new AbortController().signal;

/** A connection on which messages are lines. */
export interface LineConnection {
  sink: ByteSink;
  onData(take: (chunk: Uint8Array) => void): void;
  /** Calls back when it has ended, whoever ended it. */
  onClose(listener: () => void): void;
  destroy(): void;
}

export interface DialledUpstreamOptions extends Pick<LineUpstreamOptions, "isRelayed" | "split"> {
  /** Name of the server, for messages. */
  name: string;
  timeoutSeconds: number;
  /** Makes a connection, or says by what to reach the server instead, for good. */
  dial(): Promise<LineConnection | { instead: Upstream }>;
  /** What broke when the connection breaks, for messages. */
  what: string;
  knownEra?: Era;
}

/** A server behind a connection of lines that the first who needs it dials, and others dial anew when it breaks. */
export class DialledUpstream implements Upstream {
  readonly #options: DialledUpstreamOptions;
  readonly #listeners = new Set<ChangeListener>();
  readonly #interests = new ResourceInterests();
  #current: Upstream | undefined;
  #dialling: Promise<Upstream> | undefined;
  #connection: LineConnection | undefined;
  #knownEra: Era | undefined;
  #dials = 0;
  #isClosed = false;
  #redial: NodeJS.Timeout | undefined;

  constructor(options: DialledUpstreamOptions) {
    this.#options = options;
    this.#knownEra = options.knownEra;
  }

  get identity(): UpstreamIdentity | undefined {
    return this.#current?.identity;
  }

  connect(signal: AbortSignal): Promise<UpstreamIdentity> {
    if (this.#current) return this.#current.connect(signal);
    return this.#dialled(signal).then((upstream) => upstream.connect(signal));
  }

  request(method: string, params: Record<string, unknown>, options: UpstreamRequestOptions): Promise<UpstreamReply> {
    if (this.#current) return this.#current.request(method, params, options);
    return this.#dialled(options.signal).then((upstream) => upstream.request(method, params, options));
  }

  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  subscribe(uri: string): () => void {
    return this.#interests.subscribe(uri);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#interests.moveTo(undefined);
    clearTimeout(this.#redial);
    const current = this.#current;
    this.#current = undefined;
    await current?.close();
    this.#connection?.destroy();
  }

  #dialled(signal: AbortSignal): Promise<Upstream> {
    if (this.#isClosed) return Promise.reject(closed(this.#options.name));
    this.#dialling ??= this.#dial().finally(() => (this.#dialling = undefined));
    return waitFor(this.#dialling, signal);
  }

  async #dial(): Promise<Upstream> {
    const dialled = await this.#options.dial();
    if (this.#isClosed) {
      if ("instead" in dialled) void dialled.instead.close();
      else dialled.destroy();
      throw closed(this.#options.name);
    }
    clearTimeout(this.#redial);
    const upstream = "instead" in dialled ? dialled.instead : this.#over(dialled);
    upstream.onChange(this.#announce);
    this.#current = upstream;
    this.#interests.moveTo(upstream);
    this.#dials += 1;
    // What changed while nobody listened is not told again.
    if (this.#dials > 1) for (const kind of LIST_KINDS) this.#announce({ kind });
    return upstream;
  }

  #over(connection: LineConnection): Upstream {
    const { name, timeoutSeconds, isRelayed, split, knownEra } = this.#options;
    const upstream: LineUpstream = new LineUpstream({
      server: name,
      sink: connection.sink,
      defer: setImmediate,
      deferBriefly: process.nextTick,
      memory: createLineMemory(Buffer),
      startTimeoutSeconds: Math.min(timeoutSeconds, MAX_GREETING_SECONDS),
      timeoutSeconds,
      knownEra: this.#knownEra,
      limits: LIMITS,
      ...(isRelayed !== undefined && { isRelayed }),
      ...(split && { split }),
    });
    this.#connection = connection;
    connection.onData(upstream.receive);
    connection.onClose(() => this.#lose(upstream));
    upstream.connect(NEVER).then(
      ({ era }) => (this.#knownEra = era),
      () => (this.#knownEra = knownEra),
    );
    return upstream;
  }

  #lose(upstream: LineUpstream): void {
    upstream.fail(`cannot be reached: ${this.#options.what} broke`);
    if (this.#current === upstream) this.#current = undefined;
    if (this.#listeners.size > 0) this.#redialLater(0);
  }

  #redialLater(attempts: number): void {
    if (this.#isClosed || this.#current || attempts === MAX_REDIALS) return;
    const redial = (): void => void this.#dialled(NEVER).catch(() => this.#redialLater(attempts + 1));
    this.#redial = setTimeout(redial, FIRST_PAUSE_MS * 2 ** attempts).unref();
  }

  readonly #announce = (change: UpstreamChange): void => {
    for (const listener of this.#listeners) listener(change);
  };
}

function closed(name: string): McpctlError {
  return new McpctlError("upstream-unavailable", `The connection to server "${name}" was closed`, {
    hint: "Try again: the server has been changed or the gateway is stopping",
  });
}
