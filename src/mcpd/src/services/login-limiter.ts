import { isIPv6 } from "node:net";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { createFailureCounter, type FailureLimits } from "./failure-counter.ts";

/** Guessing one user's password from one place; whoever else logs in as that user is elsewhere. */
const PAIR: FailureLimits = { free: 10, maxWaitSeconds: 300, forgetSeconds: 3_600 };
/** Trying many names from one place, which an office behind one address shares. */
const ADDRESS: FailureLimits = { free: 50, maxWaitSeconds: 60, forgetSeconds: 3_600 };
/** Guessing one user's password from many places. Short, because anybody can make it wait. */
const USER: FailureLimits = { free: 100, maxWaitSeconds: 5, forgetSeconds: 3_600 };
const MAX_KNOWN = 10_000;

interface LoginAttempt {
  /** Absent where the user is not known before the attempt has succeeded. */
  user?: string | undefined;
  address: string;
}

export interface LoginLimiter {
  /**
   * Runs an attempt to log in. It counts as failed from its start until it proves otherwise, so that many at once gain
   * nothing; only `unauthenticated` and `forbidden` let it stay so.
   *
   * @throws {McpctlError} `too-many-requests`, with the time to wait, before the work has begun.
   */
  run<T>(attempt: LoginAttempt, work: () => Promise<T>): Promise<T>;
}

/**
 * Slows down guessing. The memory is this process's own, and bounded: replicas of mcpd multiply what an attacker gets,
 * and no flood of failures becomes a flood of writes.
 *
 * @param now - monotonic milliseconds.
 */
export function createLoginLimiter(now = () => performance.now()): LoginLimiter {
  const pairs = createFailureCounter(PAIR);
  const addresses = createFailureCounter(ADDRESS);
  const users = createFailureCounter(USER);
  /** Where users have logged in from: there, nobody else can make them wait. */
  const known = new Set<string>();

  function remember(pair: string): void {
    known.delete(pair);
    known.add(pair);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  }

  return {
    async run({ user, address }, work) {
      const place = networkOf(address);
      const pair = `${place} ${user ?? ""}`;
      const counted = [
        { counter: addresses, key: place },
        ...(user === undefined ? [] : [{ counter: pairs, key: pair }]),
        ...(user === undefined || known.has(pair) ? [] : [{ counter: users, key: user }]),
      ];
      const at = now();
      const waitMs = Math.max(...counted.map(({ counter, key }) => counter.waitMs(key, at)));
      if (waitMs > 0) throw tooManyLogins("Too many logins have failed", Math.ceil(waitMs / 1_000));
      for (const { counter, key } of counted) counter.add(key, at);
      const undo = () => counted.forEach(({ counter, key }) => counter.undo(key));
      try {
        const result = await work();
        undo();
        pairs.clear(pair);
        if (user !== undefined) remember(pair);
        return result;
      } catch (thrown) {
        if (!hasCode(thrown, "unauthenticated") && !hasCode(thrown, "forbidden")) undo();
        throw thrown;
      }
    },
  };
}

/** @param seconds - to wait. */
export function tooManyLogins(what: string, seconds: number): McpctlError {
  return new McpctlError("too-many-requests", what, {
    hint: `Try again in ${seconds} s`,
    retryAfterSeconds: seconds,
  });
}

/** One subscriber of IPv6 has a /64 at least, and could come from each address in it. */
export function networkOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const tailGroups = (tail ?? "").split(":").filter((group) => group !== "");
  const zeros = tail === undefined ? 0 : 8 - groups.length - tailGroups.length;
  return [...groups, ...Array.from({ length: zeros }, () => "0"), ...tailGroups].slice(0, 4).join(":");
}
