import type { Server } from "@mcpctl/shared/kinds/servers.ts";
import type { ToolPolicyCheck } from "./exchange.ts";

/** What a caller may do with a server, as it is found out once. */
export interface Access {
  server: Server;
  isAllowed: ToolPolicyCheck;
}

export interface LiveAccessOptions {
  /** Admits the caller anew and reads the server and its policy anew. */
  authorize(): Promise<Access>;
  /** The outcome of the first time. */
  granted: Access;
  /** Called once for every later grant, before anybody uses it; throws what makes it worth nothing. */
  check(access: Access): void;
  /** Called when it could not be confirmed, with the reason. */
  onRefused(reason: unknown): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/** From this age on it is confirmed in the background, and from the other one on nobody goes on without. */
const FRESH_MS = 1_000;
const BELIEVED_MS = 5_000;
/** Whatever calls for it, nobody is asked more often in the background. */
const RETRY_MS = 500;
const MAX_REMEMBERED_TOOLS = 1_000;

/**
 * Rights that last longer than a request and are still those of the moment: a commit makes callers wait until they are
 * confirmed, and so does age.
 */
export class LiveAccess {
  readonly #options: LiveAccessOptions;
  #policy: ToolPolicyCheck;
  #confirmedAt: number;
  #attemptedAt = -Infinity;
  /** Counts commits; what was confirmed before the last one does not count any more. */
  #commits = 0;
  #confirmedCommits = 0;
  #running: Promise<void> | undefined;

  constructor(options: LiveAccessOptions) {
    this.#options = options;
    this.#policy = remembering(options.granted.isAllowed);
    this.#confirmedAt = options.now();
  }

  /** Something was committed, which may concern this. */
  expire(): void {
    this.#commits += 1;
  }

  /** The policy, when it can be used at once. */
  get policy(): ToolPolicyCheck | undefined {
    if (this.#confirmedCommits !== this.#commits) return undefined;
    const age = this.#options.now() - this.#confirmedAt;
    if (age > BELIEVED_MS) return undefined;
    if (age > FRESH_MS) this.confirmLater("busy");
    return this.#policy;
  }

  /** @returns the policy as of now or later. @throws what `authorize` and `check` throw. */
  async confirm(): Promise<ToolPolicyCheck> {
    const commits = this.#commits;
    do await this.#run();
    while (this.#confirmedCommits < commits);
    return this.#policy;
  }

  /** Confirms it in the background, when that is due; `onRefused` hears of a failure. */
  confirmLater(use: "busy" | "idle"): void {
    const now = this.#options.now();
    const isOutdated = this.#confirmedCommits !== this.#commits;
    const age = now - this.#confirmedAt;
    const isDue = use === "busy" ? isOutdated || age > FRESH_MS : isOutdated && age > BELIEVED_MS;
    if (isDue && now - this.#attemptedAt > RETRY_MS) this.#run().catch(() => {});
  }

  #run(): Promise<void> {
    this.#running ??= this.#authorize().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #authorize(): Promise<void> {
    const commits = this.#commits;
    const startedAt = this.#options.now();
    this.#attemptedAt = startedAt;
    try {
      const access = await this.#options.authorize();
      this.#options.check(access);
      this.#policy = remembering(access.isAllowed);
    } catch (reason) {
      this.#options.onRefused(reason);
      throw reason;
    }
    this.#confirmedCommits = commits;
    this.#confirmedAt = startedAt;
  }
}

/** Asks a policy once for each tool. A caller makes the names up, so only so many are kept. */
function remembering(isAllowed: ToolPolicyCheck): ToolPolicyCheck {
  const verdicts = new Map<string, boolean>();
  return (tool) => {
    const known = verdicts.get(tool);
    if (known !== undefined) return known;
    const verdict = isAllowed(tool);
    if (verdicts.size < MAX_REMEMBERED_TOOLS) verdicts.set(tool, verdict);
    return verdict;
  };
}
