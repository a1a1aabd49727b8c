import { Agent, type Dispatcher } from "undici";

export type { Dispatcher };

const CONNECTIONS_PER_HOST = 256;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Makes the pool of kept-alive connections to mcpd and to servers. It follows no redirects and takes no proxy from the
 * environment. Destroy it when nothing uses it any more.
 */
export function createDispatcher(): Dispatcher {
  return new Agent({ connections: CONNECTIONS_PER_HOST, connect: { timeout: CONNECT_TIMEOUT_MS } });
}
