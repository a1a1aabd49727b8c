import { randomBytes } from "node:crypto";
import { hasCode } from "@mcpctl/shared/errors.ts";
import { retryHeaders } from "@mcpctl/shared/http-refusal.ts";
import type { Era, RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Method } from "../pipeline/exchange.ts";
import type { ClientRequest } from "../protocol/client-message.ts";
import { codeOf, httpStatusOf, isUnexpected, RpcFailure, toErrorReply, toRpcError } from "../protocol/rpc-failure.ts";
import type { IncomingCall } from "./incoming-call.ts";
import { ReplyChannel } from "./reply-channel.ts";
import { sendRpcError } from "./reply.ts";

/** Outside of the range that JSON-RPC and MCP reserve. The client that cancelled ignores it anyway. */
const CANCELLED = { code: -32_800, message: "Request cancelled" } as const;

interface AnswererDeps {
  log: Log;
  metrics: Metrics;
  /** Monotonic milliseconds. */
  now(): number;
}

/** How a method is run. */
interface Run {
  era: Era;
  signal: AbortSignal;
  /** The client as servers may turn to it, over what its answer goes through; undefined when they may not. */
  clientOf?(request: ClientRequest, channel: ReplyChannel): ClientSide | undefined;
}

/** Turns what a method returns or throws into an HTTP answer. */
export interface Answerer {
  /** Runs a method and answers in band, whether it succeeds or fails. */
  answer(call: IncomingCall, request: ClientRequest, method: Method, run: Run): Promise<void>;
  /** Answers a request that is not even looked at, with an HTTP error. */
  refuse(exchange: ServerExchange, thrown: unknown, id?: RequestId): void;
}

export function createAnswerer({ log, metrics, now }: AnswererDeps): Answerer {
  const prefix = randomBytes(4).toString("hex");
  let lastRequest = 0;

  /** @returns the id under which the log tells more. */
  function report(thrown: unknown): string {
    lastRequest += 1;
    const requestId = `${prefix}-${lastRequest}`;
    if (isUnexpected(thrown)) log.error({ err: thrown, requestId }, "unexpected error");
    return requestId;
  }

  function toFailedReply(thrown: unknown, signal: AbortSignal): UpstreamReply {
    return toErrorReply(signal.aborted ? CANCELLED : toRpcError(thrown, report(thrown)));
  }

  return {
    async answer(call, request, method, { era, signal, clientOf }) {
      const { id, method: name, params } = request;
      const { exchange, caller, project, accepted, requestBytes } = call;
      const startedAt = now();
      const channel = new ReplyChannel(exchange, accepted);
      let reply: UpstreamReply;
      let status = 200;
      try {
        const client = clientOf?.(request, channel);
        reply = await method({ caller, project, era, params, requestBytes, signal, notify: channel.send, client });
      } catch (thrown) {
        reply = toFailedReply(thrown, signal);
        if (thrown instanceof RpcFailure) status = thrown.status;
      }
      channel.finish(id, reply, status);
      metrics.onRequest(name, reply.kind === "result" ? "ok" : "error", now() - startedAt);
    },

    refuse(exchange, thrown, id) {
      metrics.onRequest("other", "refused", 0);
      if (exchange.isBegun) {
        report(thrown);
        exchange.destroy();
        return;
      }
      metrics.onRefused(codeOf(thrown));
      const headers = toHeaderBlock({
        ...(hasCode(thrown, "unauthenticated") && { "www-authenticate": "Bearer" }),
        ...retryHeaders(thrown),
      });
      sendRpcError(exchange, { status: httpStatusOf(thrown), error: toRpcError(thrown, report(thrown)), id, headers });
    },
  };
}
