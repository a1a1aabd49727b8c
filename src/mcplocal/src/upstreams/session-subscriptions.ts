import type { ResourceTeller } from "@mcpctl/shared/mcp/resource-interests.ts";

type Request = (method: string, params: Record<string, unknown>) => Promise<unknown>;

/**
 * Tells a server with sessions of each resource that is of interest. It remembers what the server was told, so that
 * nothing is said twice, nor in another order than it is meant, and nothing is forgotten while there is no stream.
 *
 * @see MCP 2025-11-25, server/resources, "Subscriptions"
 */
export class SessionSubscriptions implements ResourceTeller {
  readonly #request: Request;
  readonly #wanted = new Set<string>();
  readonly #told = new Set<string>();
  readonly #busy = new Set<string>();
  #isOpen = false;

  constructor(request: Request) {
    this.#request = request;
  }

  subscribe(uri: string): () => void {
    this.#wanted.add(uri);
    void this.#settle(uri);
    return () => {
      this.#wanted.delete(uri);
      void this.#settle(uri);
    };
  }

  /** The server can tell of changes again; whether it remembers what was to be told is not known. */
  open(): void {
    this.#isOpen = true;
    for (const uri of this.#wanted) this.#told.delete(uri);
    for (const uri of new Set([...this.#told, ...this.#wanted])) void this.#settle(uri);
  }

  /** Nothing more is said to a server about a stream that is over. */
  close(): void {
    this.#isOpen = false;
  }

  async #settle(uri: string): Promise<void> {
    if (this.#busy.has(uri)) return;
    this.#busy.add(uri);
    while (this.#isOpen && this.#told.has(uri) !== this.#wanted.has(uri)) {
      const method = this.#wanted.has(uri) ? "resources/subscribe" : "resources/unsubscribe";
      if (this.#wanted.has(uri)) this.#told.add(uri);
      else this.#told.delete(uri);
      await this.#request(method, { uri }).catch(() => {});
    }
    this.#busy.delete(uri);
  }
}
