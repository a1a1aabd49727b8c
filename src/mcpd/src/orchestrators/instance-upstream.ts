import { type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
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

interface InstanceUpstreamOptions {
  server: string;
  timeoutSeconds: number;
}

/**
 * The one connection that callers of an instance hold, whatever becomes of its processes. A call waits for a start
 * that is under way, and fails at once when the next one is far.
 */
export class InstanceUpstream implements Upstream {
  readonly #options: InstanceUpstreamOptions;
  readonly #changeListeners = new Set<ChangeListener>();
  readonly #interests = new ResourceInterests();
  #current: Upstream | undefined;
  /** Present while a start is under way. */
  #next: PromiseWithResolvers<Upstream> | undefined;
  #fault: McpctlError | undefined;
  #wasConnected = false;

  constructor(options: InstanceUpstreamOptions) {
    this.#options = options;
  }

  get identity(): UpstreamIdentity | undefined {
    return this.#current?.identity;
  }

  async connect(signal: AbortSignal): Promise<UpstreamIdentity> {
    return (this.#current ?? (await this.#started(signal))).connect(signal);
  }

  request(method: string, params: Record<string, unknown>, options: UpstreamRequestOptions): Promise<UpstreamReply> {
    if (this.#current) return this.#current.request(method, params, options);
    return this.#started(options.signal).then((upstream) => upstream.request(method, params, options));
  }

  onChange(listener: ChangeListener): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  subscribe(uri: string): () => void {
    return this.#interests.subscribe(uri);
  }

  async close(): Promise<void> {
    // Other callers use the connection too; it ends with the instance.
  }

  /** A process is about to start: calls wait for it. */
  expectStart(): void {
    this.#current = undefined;
    this.#fault = undefined;
    this.#next ??= Promise.withResolvers();
    // That nobody waits for a start that fails is no fault.
    this.#next.promise.catch(() => {});
  }

  /** A process is up: those who waited for it go on. After a restart all that it offers may be other. */
  attach(upstream: Upstream): void {
    this.#current = upstream;
    this.#next?.resolve(upstream);
    this.#next = undefined;
    const tell = (change: UpstreamChange) => this.#changeListeners.forEach((listener) => listener(change));
    upstream.onChange(tell);
    this.#interests.moveTo(upstream);
    if (this.#wasConnected) for (const kind of LIST_KINDS) tell({ kind });
    this.#wasConnected = true;
  }

  /** No process is up and none starts soon: calls fail, and say why. */
  detach(what: string): void {
    this.#current = undefined;
    this.#fault = this.#error("upstream-unavailable", what);
    this.#next?.reject(this.#fault);
    this.#next = undefined;
  }

  async #started(signal: AbortSignal): Promise<Upstream> {
    if (!this.#next) throw this.#fault ?? new McpctlError("internal", "The instance has not been started");
    const { timeoutSeconds } = this.#options;
    const limit = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      return await waitFor(this.#next.promise, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (!limit.aborted || signal.aborted) throw error;
      throw this.#error("upstream-timeout", `did not start within ${timeoutSeconds} s`);
    }
  }

  #error(code: ErrorCode, what: string): McpctlError {
    const { server } = this.#options;
    return new McpctlError(code, `Server "${server}" ${what}`, {
      hint: `See why with: mcpctl describe server ${server}`,
    });
  }
}
