import { randomBytes } from "node:crypto";
import type { Era, RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Log } from "../log.ts";
import type { ClientRequest } from "../protocol/client-message.ts";
import { isUnexpected, RpcFailure, toErrorReply, toRpcError } from "../protocol/rpc-failure.ts";
import type { Exchange, Method } from "./exchange.ts";

/** Outside of the range that JSON-RPC and MCP reserve. The client that cancelled ignores it anyway. */
const CANCELLED = { code: -32_800, message: "Request cancelled" } as const;

interface MethodRunnerDeps {
  log: Log;
  onRequest(method: string, outcome: "ok" | "error", durationMs: number): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/** The way back to a client for what belongs to one request. */
export interface AnswerChannel {
  /** Says something before the answer. @returns false when it is lost. */
  send(message: Uint8Array): boolean;
  /** @param status - of HTTP, for channels that have one. */
  finish(id: RequestId, reply: UpstreamReply, status: number): void;
}

/** @returns the client as servers may turn to it, over what its answer goes through; undefined when they may not. */
export type ClientOf = (request: ClientRequest, channel: AnswerChannel) => ClientSide | undefined;

/** How a method is run. */
export interface Run {
  era: Era;
  signal: AbortSignal;
  /** Absent when servers may not turn to the client. */
  clientOf?: ClientOf | undefined;
}

/** Who asks for what, as far as a method needs to know it. */
export type Asking = Pick<Exchange, "caller" | "project" | "requestBytes">;

/** Runs methods, whatever requests came in on. */
export interface MethodRunner {
  /** Runs a method and answers in band, whether it succeeds or fails. */
  run(asking: Asking, request: ClientRequest, method: Method, way: Run & { channel: AnswerChannel }): Promise<void>;
  /** @returns the id under which the log tells more of a failure. */
  report(thrown: unknown): string;
}

export function createMethodRunner({ log, onRequest, now }: MethodRunnerDeps): MethodRunner {
  const prefix = randomBytes(4).toString("hex");
  let lastRequest = 0;

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
    report,
    async run({ caller, project, requestBytes }, request, method, { era, signal, clientOf, channel }) {
      const { id, method: name, params } = request;
      const startedAt = now();
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
      onRequest(name, reply.kind === "result" ? "ok" : "error", now() - startedAt);
    },
  };
}
