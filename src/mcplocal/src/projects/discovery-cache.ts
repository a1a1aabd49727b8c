import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";

const FRESH_MS = 5_000;
/** While a server is faulty: nothing can be called there before the gateway hears that it is back. */
const FAULTY_FRESH_MS = 1_000;
const RETRY_MS = 1_000;

interface DiscoveryCacheDeps {
  discover(bearer: string | undefined): Promise<Discovery>;
  /** Monotonic milliseconds. */
  now(): number;
  /** How long the last answer is used while mcpd cannot be asked. */
  graceSeconds: number;
  onAnswer(discovery: Discovery): void;
  /** mcpd answers again after it had not. */
  onRecovered(): void;
  /** mcpd says that the project is gone, or out of reach for whoever asked. */
  onGone(): void;
  onFailed(thrown: unknown): void;
}

/** What mcpd says a project consists of: remembered for a moment, refreshed in the background. */
export class DiscoveryCache {
  readonly #deps: DiscoveryCacheDeps;
  #answeredAt = -Infinity;
  #askedAt = -Infinity;
  #freshMs = FRESH_MS;
  #hasFailed = false;
  #asking: Promise<void> | undefined;

  constructor(deps: DiscoveryCacheDeps) {
    this.#deps = deps;
  }

  /** Whether the last answer may be used. Asks again, in the background, when it has become old. */
  isUsable(bearer: string | undefined): boolean {
    const now = this.#deps.now();
    const age = now - this.#answeredAt;
    if (age > this.#freshMs && now - this.#askedAt >= RETRY_MS) this.#ask(bearer).catch(() => {});
    return age <= Math.max(FRESH_MS, this.#deps.graceSeconds * 1_000);
  }

  /**
   * Makes sure that there is an answer to use.
   *
   * @throws {McpctlError} `not-found`; `unavailable` when mcpd cannot be asked.
   */
  async load(bearer: string | undefined): Promise<void> {
    if (!this.isUsable(bearer)) await this.#ask(bearer);
  }

  #ask(bearer: string | undefined): Promise<void> {
    if (this.#asking) return this.#asking;
    this.#askedAt = this.#deps.now();
    this.#asking = this.#deps
      .discover(bearer)
      .then((discovery) => {
        this.#answeredAt = this.#deps.now();
        this.#freshMs = discovery.servers.some(({ fault }) => fault) ? FAULTY_FRESH_MS : FRESH_MS;
        this.#deps.onAnswer(discovery);
        if (this.#hasFailed) this.#deps.onRecovered();
        this.#hasFailed = false;
      })
      .catch((thrown: unknown) => this.#fail(thrown))
      .finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  #fail(thrown: unknown): never {
    if (hasCode(thrown, "not-found") || hasCode(thrown, "forbidden")) {
      this.#answeredAt = -Infinity;
      this.#deps.onGone();
      throw noSuchProject();
    }
    this.#hasFailed = true;
    this.#deps.onFailed(thrown);
    throw new McpctlError("unavailable", "The project cannot be looked up now, because mcpd does not answer", {
      hint: "Try again in a moment; an administrator finds the reason in the log of the gateway",
      cause: thrown,
    });
  }
}

/** The same for a project that does not exist and for one that is not the caller's. */
export function noSuchProject(): McpctlError {
  return new McpctlError("not-found", "There is no such project", {
    hint: "Use /mcp, where the token says which project is meant",
  });
}
