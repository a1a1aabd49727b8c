import { ResourceInterests } from "@mcpctl/shared/mcp/resource-interests.ts";
import type { ChangeListener, Upstream } from "@mcpctl/shared/mcp/upstream.ts";

/**
 * A handle on the processes of a server. It outlives each of them: every request goes to one that runs then, and closing
 * the handle disturbs nobody.
 *
 * @param find - undefined while none runs.
 * @param wait - waits for one that is about to be launched; throws `upstream-unavailable` when there is none.
 */
export function createUpstreamHandle(
  find: () => Upstream | undefined,
  wait: (signal: AbortSignal) => Promise<Upstream>,
): Upstream {
  const listeners = new Set<ChangeListener>();
  const interests = new ResourceInterests();
  const followed = new Map<Upstream, () => void>();

  /** Whoever listens hears of every process that the handle reaches; while nobody does, nothing is kept. */
  function follow(upstream: Upstream): Upstream {
    if (listeners.size > 0 && !followed.has(upstream)) {
      const end = upstream.onChange((change) => {
        for (const listener of listeners) listener(change);
      });
      followed.set(upstream, end);
      interests.moveTo(upstream);
    }
    return upstream;
  }

  return {
    get identity() {
      return find()?.identity;
    },
    connect: async (signal) => follow(find() ?? (await wait(signal))).connect(signal),
    request(method, params, options) {
      const upstream = find();
      if (upstream) return follow(upstream).request(method, params, options);
      return wait(options.signal).then((awaited) => follow(awaited).request(method, params, options));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    subscribe: (uri) => interests.subscribe(uri),
    async close() {
      listeners.clear();
      interests.moveTo(undefined);
      for (const end of followed.values()) end();
      followed.clear();
    },
  };
}
