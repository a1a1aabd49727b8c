import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { UpstreamRequestOptions } from "@mcpctl/shared/mcp/upstream.ts";
import { type ClientRequest, parseClientMessage } from "./client-message.ts";
import type { ProcessTarget, RelayRequest, RelayResponse } from "./exchange.ts";
import { answerRequest, type ProcessAnswer, wantsProgress } from "./process-answer.ts";
import { answerWithProgress } from "./progress-answer.ts";
import {
  CLIENT_CLOSED_REQUEST,
  emptyResponse,
  errorResponse,
  failureResponse,
  jsonResponse,
  methodNotAllowed,
  toEnvelope,
} from "./rpc-response.ts";

/**
 * Speaks Streamable HTTP for a server that mcpd runs, without sessions, in the era of the server.
 *
 * What a client notifies is taken note of and goes nowhere: ids of callers mean nothing on the shared connection. A
 * caller cancels by closing its request.
 */
export async function relayToProcess(http: RelayRequest, target: ProcessTarget): Promise<RelayResponse> {
  if (http.method !== "POST") return methodNotAllowed("POST");
  const message = parseClientMessage(http.body);
  if (message.type === "invalid") return errorResponse(message.id, message.error, 400);
  if (message.type !== "request") return emptyResponse(202);
  try {
    return await answer(http, message, target);
  } catch (error) {
    if (http.signal.aborted) return emptyResponse(CLIENT_CLOSED_REQUEST);
    if (error instanceof McpctlError) return failureResponse(message.id, error);
    throw error;
  }
}

async function answer(http: RelayRequest, request: ClientRequest, target: ProcessTarget): Promise<RelayResponse> {
  const { signal } = http;
  const send = (options: UpstreamRequestOptions) => answerRequest(request, target, options);
  const respond = ({ reply, status }: ProcessAnswer) => jsonResponse(toEnvelope(request.id, reply), status);
  if (!acceptsEvents(http) || !wantsProgress(request)) return respond(await send({ signal }));
  return answerWithProgress({
    id: request.id,
    send: (onNotification) => send({ signal, onNotification }),
    respond,
  });
}

function acceptsEvents({ headers }: RelayRequest): boolean {
  return /text\/event-stream|\*\/\*/.test(headers.accept ?? "");
}
