import { type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { ControlPlane } from "./control-plane.ts";

/** Whether clients should be sent here. */
export type Readiness = "ok" | "stopping" | "unavailable";

/** An answer that old is asked for again before it is relied on. */
const FRESH_MS = 5_000;
const RETRY_MS = 1_000;

/** What mcpd can only say when it is at work. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set(["not-found", "forbidden", "unauthenticated"]);

interface ContactDeps {
  controlPlane: ControlPlane;
  /** Monotonic milliseconds. */
  now(): number;
  /** How long the gateway serves while mcpd is silent. */
  graceSeconds: number;
}

/** Remembers when mcpd last answered anything. */
export class Contact {
  readonly #deps: ContactDeps;
  #answeredAt = -Infinity;
  #askedAt = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(deps: ContactDeps) {
    this.#deps = deps;
  }

  /** The same control plane, whose answers are noted. */
  get controlPlane(): ControlPlane {
    const { controlPlane } = this.#deps;
    return {
      introspect: (bearer) => this.#note(controlPlane.introspect(bearer)),
      discover: (project, bearer) => this.#note(controlPlane.discover(project, bearer)),
      // Its silence means nothing, and its noise not that mcpd can answer.
      followIdentity: (bearer, onChange, signal) => controlPlane.followIdentity(bearer, onChange, signal),
      openUpstream: (server, as) => controlPlane.openUpstream(server, as),
      ping: () => this.#note(controlPlane.ping()),
    };
  }

  /** Whether mcpd answers; asks it when that has not been seen for some seconds. */
  async isUp(): Promise<boolean> {
    await this.#look();
    return this.#age() <= FRESH_MS;
  }

  /** Whether mcpd answers, or has answered so lately that what is known of it is still served. */
  async isUsable(): Promise<boolean> {
    await this.#look();
    return this.#age() <= Math.max(FRESH_MS, this.#deps.graceSeconds * 1_000);
  }

  #age(): number {
    return this.#deps.now() - this.#answeredAt;
  }

  async #look(): Promise<void> {
    const now = this.#deps.now();
    if (this.#age() <= FRESH_MS) return;
    if (!this.#asking && now - this.#askedAt < RETRY_MS) return;
    this.#askedAt = now;
    this.#asking ??= this.controlPlane
      .ping()
      // What it means is in the time of the last answer.
      .catch(() => {})
      .finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  async #note<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      this.#answeredAt = this.#deps.now();
      return value;
    } catch (thrown) {
      if (thrown instanceof McpctlError && ANSWERS.has(thrown.code)) this.#answeredAt = this.#deps.now();
      throw thrown;
    }
  }
}
