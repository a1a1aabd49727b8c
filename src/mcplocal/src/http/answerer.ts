import { hasCode } from "@mcpctl/shared/errors.ts";
import { retryHeaders } from "@mcpctl/shared/http-refusal.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { toHeaderBlock } from "../http1/header-block.ts";
import type { ServerExchange } from "../http1/server/server-exchange.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Method } from "../pipeline/exchange.ts";
import { createMethodRunner, type Run } from "../pipeline/method-runner.ts";
import type { ClientRequest } from "../protocol/client-message.ts";
import { codeOf, httpStatusOf, toRpcError } from "../protocol/rpc-failure.ts";
import type { IncomingCall } from "./incoming-call.ts";
import { ReplyChannel } from "./reply-channel.ts";
import { sendRpcError } from "./reply.ts";

interface AnswererDeps {
  log: Log;
  metrics: Metrics;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Turns what a method returns or throws into an HTTP answer. */
export interface Answerer {
  /** Runs a method and answers in band, whether it succeeds or fails. */
  answer(call: IncomingCall, request: ClientRequest, method: Method, run: Run): Promise<void>;
  /** Answers a request that is not even looked at, with an HTTP error. */
  refuse(exchange: ServerExchange, thrown: unknown, id?: RequestId): void;
}

export function createAnswerer({ log, metrics, now }: AnswererDeps): Answerer {
  const { run, report } = createMethodRunner({ log, now, onRequest: metrics.onRequest });

  return {
    answer(call, request, method, { era, signal, clientOf }) {
      const channel = new ReplyChannel(call.exchange, call.accepted);
      return run(call, request, method, { era, signal, clientOf, channel });
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
