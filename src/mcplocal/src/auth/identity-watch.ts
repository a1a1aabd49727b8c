import type { ControlPlane } from "../control-plane/control-plane.ts";

const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

interface IdentityWatchDeps {
  controlPlane: Pick<ControlPlane, "followIdentity">;
  /** A bearer that works, to follow the changes with; undefined while there is none. */
  bearer(): string | undefined;
  /** Called when what is believed about tokens may no longer hold. */
  onChange(): void;
}

/**
 * Hears of changes of tokens and rights at once. It is a matter of speed alone: where it hears nothing, tokens are
 * checked again all the same.
 */
export class IdentityWatch {
  readonly #deps: IdentityWatchDeps;
  readonly #closing = new AbortController();
  #isFollowing = false;
  #pauseMs = SHORTEST_PAUSE_MS;

  constructor(deps: IdentityWatchDeps) {
    this.#deps = deps;
  }

  /** Follows again when it does not. To be called about every second. */
  tick(): void {
    const bearer = this.#deps.bearer();
    if (bearer !== undefined && !this.#isFollowing && !this.#closing.signal.aborted) void this.#follow(bearer);
  }

  close(): void {
    this.#closing.abort();
  }

  async #follow(bearer: string): Promise<void> {
    this.#isFollowing = true;
    const { controlPlane, onChange } = this.#deps;
    try {
      await controlPlane.followIdentity(bearer, () => this.#heard(onChange), this.#closing.signal);
    } catch {
      // An older mcpd has no such stream, and one that is away has none now.
      await this.#pause();
    } finally {
      this.#isFollowing = false;
    }
  }

  #heard(onChange: () => void): void {
    this.#pauseMs = SHORTEST_PAUSE_MS;
    onChange();
  }

  #pause(): Promise<void> {
    const milliseconds = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
  }
}
