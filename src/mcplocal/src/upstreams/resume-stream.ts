import { setTimeout as sleep } from "node:timers/promises";
import { type HeaderBlock, joinHeaderBlocks, toHeaderBlock } from "../http1/header-block.ts";
import { type HttpAnswer, type HttpCall, type HttpTarget, sendHttp } from "./http-exchange.ts";

const DEFAULT_PAUSE_MS = 1_000;
const SHORTEST_PAUSE_MS = 10;

interface Ended {
  request: HttpCall;
  answer: HttpAnswer;
  /** For the requests that go on with the stream. */
  headers: HeaderBlock;
}

/**
 * Goes on with an event stream that its server has ended early, as often as it says how. A server that says nothing for
 * the whole limit of the request is not asked any more.
 *
 * @returns the answer in which the stream brought what it was opened for, or could be gone on with no longer.
 * @see MCP 2025-11-25, basic/transports, "Resumability and Redelivery"
 */
export async function goOnReading(target: HttpTarget, { request, answer, headers }: Ended): Promise<HttpAnswer> {
  const { timeoutMs = 0, signal, onMessage, isWaiting } = request;
  let isDone = false;
  let saidAt = performance.now();
  const listening: HttpCall = {
    method: "GET",
    headers,
    timeoutMs,
    signal,
    isWaiting,
    onMessage(data) {
      saidAt = performance.now();
      isDone = onMessage?.(data) ?? false;
      return isDone;
    },
  };
  const isLate = () => performance.now() - saidAt > timeoutMs && !isWaiting?.();
  let last = answer;
  while (!isDone && last.status === 200 && last.resumption && !isLate()) {
    const { lastEventId, retryMs = DEFAULT_PAUSE_MS } = last.resumption;
    await sleep(Math.max(SHORTEST_PAUSE_MS, Math.min(retryMs, timeoutMs)), undefined, { signal });
    const resuming = joinHeaderBlocks(headers, toHeaderBlock({ "last-event-id": lastEventId }));
    const next = await sendHttp(target, { ...listening, headers: resuming });
    last = { ...next, resumption: next.resumption ?? last.resumption };
  }
  return last;
}
