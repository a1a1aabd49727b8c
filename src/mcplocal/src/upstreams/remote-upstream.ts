import type {
  ChangeListener,
  Upstream,
  UpstreamIdentity,
  UpstreamReply,
  UpstreamRequestOptions,
} from "@mcpctl/shared/mcp/upstream.ts";
import { ResourceInterests } from "@mcpctl/shared/mcp/resource-interests.ts";
import { createHttpUpstream, type HttpUpstreamOptions } from "./http-upstream.ts";
import { NoStreamableHttp } from "./refusal.ts";
import { createSseUpstream } from "./sse-upstream.ts";

/** A server elsewhere, by Streamable HTTP, or by what was there before it where the server knows nothing newer. */
export function createRemoteUpstream(options: HttpUpstreamOptions): Upstream {
  return new RemoteUpstream(options);
}

class RemoteUpstream implements Upstream {
  readonly #options: HttpUpstreamOptions;
  readonly #listeners = new Set<ChangeListener>();
  readonly #interests = new ResourceInterests();
  #current: Upstream;
  #stopListening: () => void;

  constructor(options: HttpUpstreamOptions) {
    this.#options = options;
    this.#current = createHttpUpstream(options);
    this.#stopListening = () => {};
    this.#interests.moveTo(this.#current);
  }

  get identity(): UpstreamIdentity | undefined {
    return this.#current.identity;
  }

  async connect(signal: AbortSignal): Promise<UpstreamIdentity> {
    const first = this.#current;
    try {
      return await first.connect(signal);
    } catch (thrown) {
      if (!(thrown instanceof NoStreamableHttp) || first !== this.#current) throw thrown;
      const older = createSseUpstream(this.#options);
      const identity = await older.connect(signal).catch(async () => {
        await older.close();
        throw thrown;
      });
      this.#replaceBy(older);
      return identity;
    }
  }

  request(method: string, params: Record<string, unknown>, options: UpstreamRequestOptions): Promise<UpstreamReply> {
    if (this.#current.identity) return this.#current.request(method, params, options);
    return this.connect(options.signal).then(() => this.#current.request(method, params, options));
  }

  onChange(listener: ChangeListener): () => void {
    if (this.#listeners.size === 0) this.#stopListening = this.#current.onChange(this.#tell);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  subscribe(uri: string): () => void {
    return this.#interests.subscribe(uri);
  }

  async close(): Promise<void> {
    await this.#current.close();
  }

  #replaceBy(older: Upstream): void {
    this.#stopListening();
    void this.#current.close();
    this.#current = older;
    this.#stopListening = older.onChange(this.#tell);
    this.#interests.moveTo(older);
  }

  readonly #tell: ChangeListener = (change) => {
    for (const listener of this.#listeners) listener(change);
  };
}
