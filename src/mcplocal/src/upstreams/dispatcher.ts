import { ConnectionPool } from "../http1/client/connection-pool.ts";

const CONNECTIONS_PER_SERVER = 256;
const CONNECT_TIMEOUT_MS = 5_000;

/** The kept-alive connections to mcpd and to servers. */
export interface Dispatcher {
  /**
   * Those of one server to its scheme, host and port. Servers at the same address, such as those behind mcpd's relay,
   * have their own, so that one that hangs takes no connection from another.
   */
  to(server: string, url: URL): ConnectionPool;
  /** Lets requests under way finish. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** Makes pools of connections that follow no redirects and take no proxy from the environment. */
export function createDispatcher(): Dispatcher {
  const pools = new Map<string, ConnectionPool>();
  return {
    to(server, url) {
      const key = `${url.origin} ${server}`;
      const known = pools.get(key);
      if (known) return known;
      const limits = { maxConnections: CONNECTIONS_PER_SERVER, connectTimeoutMs: CONNECT_TIMEOUT_MS };
      const pool = new ConnectionPool({ url, ...limits });
      pools.set(key, pool);
      return pool;
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.close()))),
    async destroy() {
      for (const pool of pools.values()) pool.destroy();
    },
  };
}
