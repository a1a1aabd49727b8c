import { McpctlError } from "@mcpctl/shared/errors.ts";

/** What every answer may hold without being counted, so that many small ones are never too much. */
export const UNCOUNTED_BYTES = 65_536;
const MAX_HELD_BYTES = 32 * 1_024 * 1_024;
/** Messages besides the answers: so many at once, and so many in each second from then on. */
const MESSAGE_BURST = 10_000;
const MESSAGES_PER_SECOND = 1_000;

/** What one answer holds until it is complete. */
export interface HeldBytes {
  /** @throws {McpctlError} `too-many-requests` when it is too much, beside all other answers of the server. */
  setTo(bytes: number): void;
}

/** Bounds what one server can cost, whatever it sends and in however many answers. */
export class ServerBounds {
  readonly #name: string;
  readonly #now: () => number;
  #heldBytes = 0;
  #messages = MESSAGE_BURST;
  #countedAt: number;

  /** @param now - monotonic milliseconds. */
  constructor(name: string, now: () => number) {
    this.#name = name;
    this.#now = now;
    this.#countedAt = now();
  }

  hold(): HeldBytes {
    let counted = 0;
    return {
      setTo: (bytes) => {
        const wanted = Math.max(0, bytes - UNCOUNTED_BYTES);
        this.#heldBytes += wanted - counted;
        const isMore = wanted > counted;
        counted = wanted;
        if (isMore && this.#heldBytes > MAX_HELD_BYTES) throw this.#tooMuch();
      },
    };
  }

  /**
   * Counts a message that is no answer.
   *
   * @throws {McpctlError} `upstream-protocol` when they come faster than anybody could use them.
   */
  countMessage(): void {
    if (this.#messages < 1) {
      const now = this.#now();
      this.#messages = Math.min(MESSAGE_BURST, ((now - this.#countedAt) * MESSAGES_PER_SECOND) / 1_000);
      this.#countedAt = now;
    }
    if (this.#messages < 1) throw this.#flood();
    this.#messages -= 1;
  }

  #tooMuch(): McpctlError {
    return new McpctlError(
      "too-many-requests",
      `Server "${this.#name}" is sending more than ${MAX_HELD_BYTES} bytes of answers at a time`,
      { hint: "Try again when some of them have come, or ask the tool for less" },
    );
  }

  #flood(): McpctlError {
    return new McpctlError(
      "upstream-protocol",
      `Server "${this.#name}" sends more than ${MESSAGES_PER_SECOND} messages per second besides its answers`,
      { hint: "Have the server say less" },
    );
  }
}
