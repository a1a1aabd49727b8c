import type { Introspection } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { parseBearer, unauthenticated } from "./bearer.ts";
import type { Caller } from "./principal.ts";

/** After this a known token is checked again, in the background. */
const REFRESH_MS = 1_000;
/** After this a known token is not believed without a new check, as long as mcpd answers. */
const HARD_LIMIT_MS = 5_000;
/** How long an unknown token stays unknown, and how soon a failed check is repeated. */
const RETRY_MS = 1_000;
const MAX_KNOWN = 10_000;
const MAX_REFUSED = 1_000;
/** Unknown tokens beyond so many at a time are not asked about: mcpd has known ones to confirm. */
const MAX_CHECKS = 256;

interface AuthenticatorDeps {
  introspect(bearer: string): Promise<Introspection>;
  /** Monotonic milliseconds. */
  now(): number;
  /** How long known tokens are believed while mcpd cannot be asked. */
  graceSeconds: number;
  onCheckFailed(thrown: unknown): void;
}

export interface Authenticator {
  /** The caller behind an `Authorization` header, if that can be said without asking anybody. */
  findCached(header: string | undefined): Caller | undefined;
  /** @throws {McpctlError} `unauthenticated`, or `unavailable` when mcpd cannot be asked. */
  authenticate(header: string | undefined): Promise<Caller>;
  /** Says that what is known may no longer hold: each token is checked before it is believed again. */
  doubtAll(): void;
  /** The bearer of a token that works, as far as is known. */
  anyBearer(): string | undefined;
  /** Calls back for every token that was known and no longer works. */
  onLost(listener: (caller: Caller) => void): void;
}

interface KnownToken {
  caller: Caller;
  bearer: string;
  confirmedAt: number;
  /** Milliseconds since the epoch; Infinity when the token does not expire. */
  expiresAt: number;
  failedAt: number;
  /** Whether something has happened since the last check. */
  isDoubted: boolean;
}

/**
 * Authenticates by asking mcpd and remembers the answer for a moment. The key is the header as it came, so that the
 * usual request costs one look-up.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  return new TokenAuthenticator(deps);
}

class TokenAuthenticator implements Authenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #known = new Map<string, KnownToken>();
  readonly #refusedUntil = new Map<string, number>();
  readonly #checks = new Map<string, Promise<Caller | undefined>>();
  /** Whose running check does not count any more. */
  readonly #doubted = new Set<string>();
  readonly #listeners = new Set<(caller: Caller) => void>();

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
  }

  findCached(header: string | undefined): Caller | undefined {
    const entry = header === undefined ? undefined : this.#known.get(header);
    if (header === undefined || !entry || entry.isDoubted) return undefined;
    const now = this.#deps.now();
    if (now - entry.confirmedAt > REFRESH_MS && now - entry.failedAt > RETRY_MS) {
      // What the check finds is in the maps by the time that anybody looks again.
      this.#check(header, entry.bearer).catch(() => {});
    }
    return this.#isBelieved(entry) ? entry.caller : undefined;
  }

  async authenticate(header: string | undefined): Promise<Caller> {
    const bearer = parseBearer(header);
    const key = header ?? "";
    const cached = this.findCached(key);
    if (cached) return cached;
    const now = this.#deps.now();
    if (now < (this.#refusedUntil.get(key) ?? -Infinity)) throw unauthenticated();
    const entry = this.#known.get(key);
    if (entry && !entry.isDoubted && now - entry.failedAt <= RETRY_MS) throw cannotCheck();
    if (!entry && this.#checks.size >= MAX_CHECKS && !this.#checks.has(key)) throw tooManyChecks();
    const caller = await this.#checkUntilSure(key, bearer).catch((thrown: unknown) => {
      if (entry && this.#isBelieved(entry)) return entry.caller;
      throw thrown;
    });
    if (!caller) throw unauthenticated();
    return caller;
  }

  doubtAll(): void {
    for (const entry of this.#known.values()) entry.isDoubted = true;
    // A check that was under way may have been answered before the change.
    for (const header of this.#checks.keys()) this.#doubted.add(header);
    this.#refusedUntil.clear();
  }

  anyBearer(): string | undefined {
    for (const entry of [...this.#known.values()].toReversed()) if (this.#isBelieved(entry)) return entry.bearer;
    return undefined;
  }

  onLost(listener: (caller: Caller) => void): void {
    this.#listeners.add(listener);
  }

  /** While mcpd is silent a known token lives on for the grace, but never past its own end. */
  #isBelieved(entry: KnownToken): boolean {
    const age = this.#deps.now() - entry.confirmedAt;
    if (age <= HARD_LIMIT_MS) return true;
    const hasFailed = entry.failedAt > entry.confirmedAt;
    return hasFailed && age <= this.#deps.graceSeconds * 1_000 && Date.now() < entry.expiresAt;
  }

  /** A check that was under way when something changed says nothing about the time after. */
  async #checkUntilSure(header: string, bearer: string): Promise<Caller | undefined> {
    const caller = await this.#check(header, bearer);
    return this.#known.get(header)?.isDoubted ? this.#check(header, bearer) : caller;
  }

  /** Joins a check of the same token that is under way. @returns undefined when the token does not work. */
  #check(header: string, bearer: string): Promise<Caller | undefined> {
    const running = this.#checks.get(header);
    if (running) return running;
    const started = this.#deps
      .introspect(bearer)
      .then((answer) => (answer.active ? this.#remember(header, bearer, answer) : this.#refuse(header)))
      .catch((thrown: unknown) => this.#markFailed(header, thrown))
      .finally(() => {
        this.#checks.delete(header);
        const entry = this.#doubted.delete(header) ? this.#known.get(header) : undefined;
        if (entry) entry.isDoubted = true;
      });
    this.#checks.set(header, started);
    return started;
  }

  #remember(header: string, bearer: string, token: Introspection & { active: true }): Caller {
    const { name, project, sha, creator, expiresAt } = token;
    const caller = { principal: { name, project, sha, creator }, bearer };
    const entry: KnownToken = {
      caller,
      bearer,
      confirmedAt: this.#deps.now(),
      expiresAt: expiresAt === undefined ? Infinity : Date.parse(expiresAt),
      failedAt: -Infinity,
      isDoubted: false,
    };
    this.#refusedUntil.delete(header);
    setBounded(this.#known, header, { value: entry, max: MAX_KNOWN });
    return caller;
  }

  #refuse(header: string): undefined {
    setBounded(this.#refusedUntil, header, { value: this.#deps.now() + RETRY_MS, max: MAX_REFUSED });
    const lost = this.#known.get(header);
    if (!lost) return;
    this.#known.delete(header);
    for (const listener of this.#listeners) listener(lost.caller);
  }

  #markFailed(header: string, thrown: unknown): never {
    const entry = this.#known.get(header);
    if (entry) {
      entry.failedAt = this.#deps.now();
      // mcpd cannot say more; the grace decides from here on.
      entry.isDoubted = false;
    }
    this.#deps.onCheckFailed(thrown);
    throw cannotCheck(thrown);
  }
}

function setBounded<K, V>(map: Map<K, V>, key: K, { value, max }: { value: V; max: number }): void {
  const [oldest] = map.keys();
  if (map.size >= max && !map.has(key) && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}

function cannotCheck(cause?: unknown): McpctlError {
  return new McpctlError("unavailable", "The token cannot be checked now, because mcpd does not answer", {
    hint: "Try again in a moment; an administrator finds the reason in the log of the gateway",
    cause,
  });
}

function tooManyChecks(): McpctlError {
  return new McpctlError("unavailable", "Too many tokens are being checked at the moment", {
    hint: "Try again in a moment",
  });
}
