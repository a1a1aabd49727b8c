import { type Dispatcher as Connections, Pool } from "undici";

const CONNECTIONS_PER_HOST = 256;
const CONNECT_TIMEOUT_MS = 5_000;

/** The kept-alive connections to mcpd and to servers. */
export interface Dispatcher {
  /** Those to one scheme, host and port. */
  to(origin: string): Connections;
  /** Lets requests under way finish. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** Makes a pool of connections that follows no redirects and takes no proxy from the environment. */
export function createDispatcher(): Dispatcher {
  const pools = new Map<string, Pool>();
  return {
    to(origin) {
      const known = pools.get(origin);
      if (known) return known;
      const pool = new Pool(origin, { connections: CONNECTIONS_PER_HOST, connect: { timeout: CONNECT_TIMEOUT_MS } });
      pools.set(origin, pool);
      return pool;
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.close()))),
    destroy: async () => void (await Promise.all([...pools.values()].map((pool) => pool.destroy()))),
  };
}
