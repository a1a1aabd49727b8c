import { changeFilter } from "./changes.ts";
import { isObject } from "./line-messages.ts";
import { ResourceInterests, type ResourceTeller } from "./resource-interests.ts";
import type { UpstreamIdentity, UpstreamReply } from "./upstream.ts";

interface LineSubscriptionsOptions {
  /** Whether mcpd is in between, which is told of each resource by a request, whatever the era. */
  isRelayed: boolean;
  /** Sends a request, which may wait for ever where there is no limit. */
  send(method: string, params: Record<string, unknown>, options: SendOptions): Promise<UpstreamReply>;
}

interface SendOptions {
  signal?: AbortSignal;
  timeoutSeconds?: number;
}

const SUBSCRIBE_SECONDS = 30;

/**
 * Asks the server at the other end of a line connection to tell what changes: a modern one in one request that it never
 * answers, and that is made anew when the interests are others; an old one by a request for each resource.
 *
 * @see MCP 2026-07-28, basic/patterns/subscriptions; MCP 2025-11-25, server/resources, "Subscriptions"
 */
export class LineSubscriptions {
  readonly #options: LineSubscriptionsOptions;
  readonly interests = new ResourceInterests();
  #listening: AbortController | undefined;
  #isDue = false;

  constructor(options: LineSubscriptionsOptions) {
    this.#options = options;
  }

  /** The handshake is done. */
  begin(identity: UpstreamIdentity): void {
    const listen = (): void => this.#listen(identity);
    const canSubscribe = offersSubscriptions(identity);
    if (this.#options.isRelayed || identity.era === "legacy") {
      if (canSubscribe) this.interests.moveTo({ subscribe: (uri) => this.#subscribe(uri) });
      return;
    }
    const relisten: ResourceTeller = {
      subscribe: () => {
        this.#later(listen);
        return () => this.#later(listen);
      },
    };
    if (canSubscribe) this.interests.moveTo(relisten);
    this.#later(listen);
  }

  /** What changes in one breath is told to the server once. */
  #later(listen: () => void): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      listen();
    });
  }

  #listen(identity: UpstreamIdentity): void {
    this.#listening?.abort();
    this.#listening = undefined;
    const uris = offersSubscriptions(identity) ? this.interests.uris : [];
    const filter = changeFilter(identity.capabilities);
    if (!filter && uris.length === 0) return;
    const notifications = { ...filter, ...(uris.length > 0 && { resourceSubscriptions: uris }) };
    this.#listening = new AbortController();
    // It is answered when the server ends it; refusing it only means that changes are found later.
    const { signal } = this.#listening;
    this.#options.send("subscriptions/listen", { notifications }, { signal }).catch(() => {});
  }

  #subscribe(uri: string): () => void {
    const limit = { timeoutSeconds: SUBSCRIBE_SECONDS };
    this.#options.send("resources/subscribe", { uri }, limit).catch(() => {});
    return () => void this.#options.send("resources/unsubscribe", { uri }, limit).catch(() => {});
  }
}

/** Whether a server tells of single resources. */
export function offersSubscriptions({ capabilities: { resources } }: Pick<UpstreamIdentity, "capabilities">): boolean {
  return isObject(resources) && resources["subscribe"] === true;
}
