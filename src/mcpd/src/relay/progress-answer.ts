import { PassThrough } from "node:stream";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { RelayResponse } from "./exchange.ts";
import type { ProcessAnswer } from "./process-answer.ts";
import { failureReply, toEnvelope } from "./rpc-response.ts";

const EVENT_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  // Tells proxies not to hold events back.
  "x-accel-buffering": "no",
} as const;

/** Progress that a caller does not read in time is worth nothing to it. */
const MAX_UNREAD_BYTES = 1024 * 1024;

interface ProgressAnswerOptions {
  id: RequestId;
  send(onNotification: (message: Uint8Array) => void): Promise<ProcessAnswer>;
  /** Renders an answer that nothing preceded. */
  respond(answer: ProcessAnswer): RelayResponse;
}

/** Answers with one JSON body when the result comes first, and with events when progress precedes it. */
export function answerWithProgress({ id, send, respond }: ProgressAnswerOptions): Promise<RelayResponse> {
  return new Promise((resolve, reject) => {
    let events: PassThrough | undefined;

    function onNotification(message: Uint8Array): void {
      if (!events) {
        events = new PassThrough();
        resolve({ status: 200, headers: EVENT_HEADERS, body: events });
      }
      if (events.writableLength + events.readableLength < MAX_UNREAD_BYTES) events.write(toEvent(message));
    }

    const end = (reply: UpstreamReply) => events?.end(toEvent(toEnvelope(id, reply)));

    send(onNotification).then(
      (answer) => (events ? end(answer.reply) : resolve(respond(answer))),
      (error: unknown) => (events ? end(failureReply(error)) : reject(error)),
    );
  });
}

function toEvent(message: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("event: message\ndata: "), message, Buffer.from("\n\n")]);
}
