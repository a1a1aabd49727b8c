import { PassThrough } from "node:stream";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { RelayResponse } from "./exchange.ts";
import { toEnvelope, toReply, toRpcError } from "./rpc-response.ts";

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
  send(onNotification: (message: Uint8Array) => void): Promise<UpstreamReply>;
  /** Renders a reply that nothing preceded. */
  respond(reply: UpstreamReply): Promise<RelayResponse>;
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

    function end(reply: UpstreamReply): void {
      if (events) events.end(toEvent(toEnvelope(id, reply)));
      else resolve(respond(reply));
    }

    send(onNotification).then(end, (error: unknown) => {
      if (!events) return reject(error);
      const known = error instanceof McpctlError ? error : new McpctlError("internal", "Unexpected error");
      end(toReply("error", toRpcError(known)));
    });
  });
}

function toEvent(message: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("event: message\ndata: "), message, Buffer.from("\n\n")]);
}
