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
  /** Calls back for every token that was known and no longer works. */
  onLost(listener: (caller: Caller) => void): void;
}

interface KnownToken {
  caller: Caller;
  confirmedAt: number;
  /** Milliseconds since the epoch; Infinity when the token does not expire. */
  expiresAt: number;
  failedAt: number;
}

/**
 * Authenticates by asking mcpd and remembers the answer for a moment. The key is the header as it came, so that the
 * usual request costs one look-up.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const known = new Map<string, KnownToken>();
  const refusedUntil = new Map<string, number>();
  const checks = new Map<string, Promise<Caller | undefined>>();
  const listeners = new Set<(caller: Caller) => void>();

  /** Joins a check of the same token that is under way. @returns undefined when the token does not work. */
  function check(header: string, bearer: string): Promise<Caller | undefined> {
    const running = checks.get(header);
    if (running) return running;
    const started = deps
      .introspect(bearer)
      .then((answer) => (answer.active ? remember(header, bearer, answer) : refuse(header)))
      .catch((thrown: unknown) => markFailed(header, thrown))
      .finally(() => checks.delete(header));
    checks.set(header, started);
    return started;
  }

  function remember(header: string, bearer: string, token: Introspection & { active: true }): Caller {
    const { name, project, sha, creator, expiresAt } = token;
    const entry: KnownToken = {
      caller: { principal: { name, project, sha, creator }, bearer },
      confirmedAt: deps.now(),
      expiresAt: expiresAt === undefined ? Infinity : Date.parse(expiresAt),
      failedAt: -Infinity,
    };
    refusedUntil.delete(header);
    setBounded(known, header, entry, MAX_KNOWN);
    return entry.caller;
  }

  function refuse(header: string): undefined {
    setBounded(refusedUntil, header, deps.now() + RETRY_MS, MAX_REFUSED);
    const lost = known.get(header);
    if (!lost || !known.delete(header)) return;
    for (const listener of listeners) listener(lost.caller);
  }

  function markFailed(header: string, thrown: unknown): never {
    const entry = known.get(header);
    if (entry) entry.failedAt = deps.now();
    deps.onCheckFailed(thrown);
    throw cannotCheck(thrown);
  }

  function checkInBackground(header: string, entry: KnownToken): void {
    if (entry.caller.bearer === undefined) return;
    // What it found is in the entry by then.
    check(header, entry.caller.bearer).catch(() => {});
  }

  /** While mcpd is silent a known token lives on for the grace, but never past its own end. */
  function isBelieved(entry: KnownToken): boolean {
    const age = deps.now() - entry.confirmedAt;
    if (age <= HARD_LIMIT_MS) return true;
    const hasFailed = entry.failedAt > entry.confirmedAt;
    return hasFailed && age <= deps.graceSeconds * 1_000 && Date.now() < entry.expiresAt;
  }

  function findCached(header: string | undefined): Caller | undefined {
    const entry = header === undefined ? undefined : known.get(header);
    if (header === undefined || !entry) return undefined;
    const now = deps.now();
    if (now - entry.confirmedAt > REFRESH_MS && now - entry.failedAt > RETRY_MS) checkInBackground(header, entry);
    return isBelieved(entry) ? entry.caller : undefined;
  }

  async function authenticate(header: string | undefined): Promise<Caller> {
    const bearer = parseBearer(header);
    const key = header ?? "";
    const cached = findCached(key);
    if (cached) return cached;
    if (deps.now() < (refusedUntil.get(key) ?? -Infinity)) throw unauthenticated();
    const entry = known.get(key);
    if (entry && deps.now() - entry.failedAt <= RETRY_MS) throw cannotCheck();
    const caller = await check(key, bearer).catch((thrown: unknown) => {
      if (entry && isBelieved(entry)) return entry.caller;
      throw thrown;
    });
    if (!caller) throw unauthenticated();
    return caller;
  }

  return { findCached, authenticate, onLost: (listener) => void listeners.add(listener) };
}

function setBounded<K, V>(map: Map<K, V>, key: K, value: V, max: number): void {
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
