import { setTimeout as sleep } from "node:timers/promises";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";

/** When a process that runs counts as dead. */
export interface Liveness {
  /** Between two looks; 0 for none at all. */
  periodSeconds: number;
  /** How long one look waits for an answer. */
  timeoutSeconds: number;
  /** How many looks in a row must fail. */
  failureThreshold: number;
}

export const LIVENESS: Liveness = { periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 3 };

interface Watched {
  /** What callers use as well, so that a look takes the way that calls take. */
  upstream: Upstream;
  load(): { requestsInFlight: number; timeouts: number };
  liveness: Liveness;
  /** Aborted when the process has ended, or is to end. */
  signal: AbortSignal;
}

/**
 * Asks a running server for its tools now and then. Any answer will do, also an error. A server that is busy with calls
 * which are not late yet may be silent meanwhile: some do one thing at a time.
 *
 * @returns why it is to be restarted; undefined when the signal was aborted before.
 */
export async function watchLiveness({ upstream, load, liveness, signal }: Watched): Promise<string | undefined> {
  const { periodSeconds, timeoutSeconds, failureThreshold } = liveness;
  if (periodSeconds === 0) return undefined;
  let [failures, timeouts] = [0, load().timeouts];
  while (failures < failureThreshold) {
    await sleep(periodSeconds * 1_000, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return undefined;
    const { requestsInFlight } = load();
    const isAlive = await answers(upstream, AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]));
    const isBusy = requestsInFlight > 0 && load().timeouts === timeouts;
    ({ timeouts } = load());
    if (isAlive) failures = 0;
    else if (!isBusy) failures += 1;
  }
  return `The server did not answer tools/list within ${timeoutSeconds} s, ${failureThreshold} times in a row`;
}

async function answers(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
  try {
    await upstream.request("tools/list", {}, { signal });
    return true;
  } catch {
    return false;
  }
}
