import { HttpConnection } from "./http-connection.ts";
import { type Endpoint, isResult, nextId, prepareRequest, type RpcMessage } from "./mcp-requests.ts";

export interface LoadResult {
  calls: number;
  seconds: number;
  /** Milliseconds per call, ascending. */
  latencies: Float64Array;
}

interface ClosedLoop {
  endpoint: Endpoint;
  message: RpcMessage;
  /** Requests under way at any time, each on a connection of its own. */
  inFlight: number;
  /** Ends after this time or this many calls, whichever is given. */
  until: { seconds: number } | { calls: number };
  warmUpCalls?: number;
}

/**
 * Sends the next request as soon as an answer is there.
 *
 * @throws when a single answer is not the right one: a figure with errors in it means nothing.
 */
export async function runClosedLoop(load: ClosedLoop): Promise<LoadResult> {
  const { endpoint, inFlight, warmUpCalls = 0, until } = load;
  const connections = await Promise.all(Array.from({ length: inFlight }, () => HttpConnection.open(endpoint.port)));
  try {
    if (warmUpCalls > 0) await drive(connections, { ...load, until: { calls: warmUpCalls } });
    return await drive(connections, { ...load, until });
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function drive(connections: HttpConnection[], { endpoint, message, until }: ClosedLoop): Promise<LoadResult> {
  const request = prepareRequest(endpoint, message);
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endAt = "seconds" in until ? startedAt + until.seconds * 1_000 : Infinity;
  let left = "calls" in until ? until.calls : Infinity;
  await Promise.all(
    connections.map(async (connection) => {
      while (left > 0 && performance.now() < endAt) {
        left -= 1;
        const id = nextId();
        const sentAt = performance.now();
        const { status, body } = await connection.exchange(request(id));
        latencies.push(performance.now() - sentAt);
        if (status !== 200 || !isResult(body, id)) throw unexpected(status, body);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  return { calls: latencies.length, seconds, latencies: Float64Array.from(latencies).toSorted() };
}

function unexpected(status: number, body: Buffer): Error {
  return new Error(`An answer was wrong: HTTP ${status} ${body.toString("latin1", 0, 300)}`);
}
