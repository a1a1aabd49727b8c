import { HttpConnection } from "./http-connection.ts";
import { type Endpoint, isResult, nextId, prepareRequest, type RpcMessage } from "./mcp-requests.ts";

export interface LoadResult {
  calls: number;
  seconds: number;
  /** Milliseconds per call, ascending. */
  latencies: Float64Array;
}

interface Shape {
  /** Requests under way at any time, each on a connection of its own. */
  inFlight: number;
  /** Ends after this time or this many calls, whichever is given. */
  until: { seconds: number } | { calls: number };
}

interface ClosedLoop extends Shape {
  endpoint: Endpoint;
  message: RpcMessage;
}

interface InTurn extends Shape {
  port: number;
  /** Requests without their id, such as those of many clients; the first one follows on the last. */
  requests: readonly ((id: number) => string)[];
}

/**
 * Sends the next request as soon as an answer is there.
 *
 * @throws when a single answer is not the right one: a figure with errors in it means nothing.
 */
export function runClosedLoop({ endpoint, message, ...shape }: ClosedLoop): Promise<LoadResult> {
  return runInTurn({ port: endpoint.port, requests: [prepareRequest(endpoint, message)], ...shape });
}

/** The same with requests that differ. @throws like `runClosedLoop`. */
export async function runInTurn(load: InTurn): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: load.inFlight }, () => HttpConnection.open(load.port)));
  try {
    return await drive(connections, load);
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function drive(connections: HttpConnection[], { requests, until }: InTurn): Promise<LoadResult> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endAt = "seconds" in until ? startedAt + until.seconds * 1_000 : Infinity;
  const most = "calls" in until ? until.calls : Infinity;
  let sent = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (sent < most && performance.now() < endAt) {
        const id = nextId();
        const request = requests[sent % requests.length]?.(id) ?? "";
        sent += 1;
        const sentAt = performance.now();
        const { status, body } = await connection.exchange(request);
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
