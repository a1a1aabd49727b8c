import { HttpConnection } from "./http-connection.ts";
import { type Endpoint, isResult, nextId, prepareRequest, type RpcMessage } from "./mcp-requests.ts";

interface OpenLoop {
  endpoint: Endpoint;
  message: RpcMessage;
  callsPerSecond: number;
  seconds: number;
}

/**
 * Sends requests at fixed times, whether or not earlier ones were answered.
 *
 * @returns milliseconds from the time that each was meant to be sent, ascending: a stall counts for every request that
 *   it made wait.
 * @throws when an answer is not the right one.
 */
export async function runOpenLoop({ endpoint, message, callsPerSecond, seconds }: OpenLoop): Promise<Float64Array> {
  const request = prepareRequest(endpoint, message);
  const idle: HttpConnection[] = [];
  const all: HttpConnection[] = [];
  const startedAt = performance.now();
  const latencies: number[] = [];

  async function call(intendedAt: number): Promise<void> {
    const connection = idle.pop() ?? (await open());
    const id = nextId();
    const { status, body } = await connection.exchange(request(id));
    latencies.push(performance.now() - intendedAt);
    if (status !== 200 || !isResult(body, id)) throw new Error(`An answer was wrong: HTTP ${status}`);
    idle.push(connection);
  }

  async function open(): Promise<HttpConnection> {
    const connection = await HttpConnection.open(endpoint.port);
    all.push(connection);
    return connection;
  }

  const calls: Promise<void>[] = [];
  try {
    for (let sent = 0; sent < callsPerSecond * seconds; sent += 1) {
      const intendedAt = startedAt + (sent * 1_000) / callsPerSecond;
      await sleepUntil(intendedAt);
      calls.push(call(intendedAt));
    }
    await Promise.all(calls);
  } finally {
    for (const connection of all) connection.close();
  }
  return Float64Array.from(latencies).toSorted();
}

/** Timers are a millisecond coarse and late; the rest is waited for turn by turn. */
async function sleepUntil(time: number): Promise<void> {
  const milliseconds = time - performance.now() - 1.5;
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  while (performance.now() < time) await new Promise((resolve) => setImmediate(resolve));
}
