import type { WatchService } from "./watch.service.ts";

/** Kinds that decide who somebody is and what they may do. */
const IDENTITY_KINDS: ReadonlySet<string> = new Set(["mcptokens", "rbac", "users", "groups", "projects", "gateways"]);
const RETRY_MS = 1_000;

/** Tells whenever what tokens stand for may have changed; never what. */
export interface IdentityChanges extends AsyncDisposable {
  /** @returns what ends it. */
  listen(listener: () => void): () => void;
}

/**
 * Follows the change log once for all who listen, and only while somebody does.
 *
 * @param onFailed - told when the log cannot be read; it is tried again after a second.
 */
export function createIdentityChanges(watch: WatchService, onFailed: (thrown: unknown) => void): IdentityChanges {
  const listeners = new Set<() => void>();
  let following: { abort: AbortController; ended: Promise<void> } | undefined;

  const tell = () => {
    for (const listener of listeners) listener();
  };

  async function follow(signal: AbortSignal): Promise<void> {
    const start = await watch.startingPoint(undefined);
    // Whatever happened between the first listener and this moment.
    tell();
    for await (const { plural } of watch.watch(start, signal)) if (IDENTITY_KINDS.has(plural)) tell();
  }

  async function followOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow(signal);
      } catch (thrown) {
        onFailed(thrown);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  async function stop(): Promise<void> {
    const stopping = following;
    following = undefined;
    stopping?.abort.abort();
    await stopping?.ended;
  }

  return {
    listen(listener) {
      listeners.add(listener);
      if (!following) {
        const abort = new AbortController();
        following = { abort, ended: followOn(abort.signal) };
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) void stop();
      };
    },
    [Symbol.asyncDispose]: stop,
  };
}
