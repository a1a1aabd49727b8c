import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";

/**
 * A handle on the processes of a server. It outlives each of them: every request goes to one that runs then, and closing
 * the handle disturbs nobody.
 *
 * @param get - throws `upstream-unavailable` while none runs.
 */
export function createUpstreamHandle(get: () => Upstream): Upstream {
  const listeners = new Set<() => void>();
  const followed = new Map<Upstream, () => void>();

  /** Whoever listens hears of every process that the handle has ever reached. */
  function reach(): Upstream {
    const upstream = get();
    if (!followed.has(upstream)) {
      const end = upstream.onToolsChanged(() => {
        for (const listener of listeners) listener();
      });
      followed.set(upstream, end);
    }
    return upstream;
  }

  return {
    connect: async (signal) => reach().connect(signal),
    request: async (method, params, options) => reach().request(method, params, options),
    onToolsChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      for (const end of followed.values()) end();
      followed.clear();
    },
  };
}
