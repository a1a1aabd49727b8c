import { McpctlError } from "@mcpctl/shared/errors.ts";
import { RPC, type RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { Agent, type Dispatcher } from "undici";
import { type ClientMessage, parseClientMessage, toolNameOf } from "./client-message.ts";
import { filterEvents } from "./event-filter.ts";
import { contradictedHeader } from "./mirrored-headers.ts";
import type { RelayRequest, RelayResponse, RemoteTarget } from "./exchange.ts";
import { toCallerHeaders, toRemoteHeaders } from "./remote-headers.ts";
import {
  CLIENT_CLOSED_REQUEST,
  emptyResponse,
  errorResponse,
  failureResponse,
  methodNotAllowed,
  unknownTool,
} from "./rpc-response.ts";
import { filterMessage } from "./tool-list-filter.ts";

export interface RemoteRelay {
  handle(request: RelayRequest, target: RemoteTarget): Promise<RelayResponse>;
  close(): Promise<void>;
}

const METHODS = ["POST", "GET", "DELETE"] as const;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_LIST_BYTES = 10 * 1024 * 1024;
/** Streams that may be silent for as long as nothing happens. */
const LASTING = new Set(["subscriptions/listen"]);

/** Forwards Streamable HTTP to servers elsewhere, over connections that are kept. Follows no redirect. */
export function createRemoteRelay(): RemoteRelay {
  const agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  return {
    async handle(request, target) {
      const method = METHODS.find((known) => known === request.method);
      if (!method) return methodNotAllowed(METHODS.join(", "));
      const message = method === "POST" ? parseClientMessage(request.body) : undefined;
      const refusal = message && refuse(message, request, target);
      if (refusal) return refusal;
      const id = message?.type === "request" ? message.id : null;
      try {
        const response = await agent.request(toRemoteRequest({ request, target, method, message }));
        // Whoever reads it hears of a fault; before anybody does, it must not end the process.
        response.body.on("error", () => {});
        return await toResponse(response, { target, id, isList: isList(method, message) });
      } catch (error) {
        if (request.signal.aborted) return emptyResponse(CLIENT_CLOSED_REQUEST);
        return failureResponse(id, toFailure(error, target));
      }
    },
    close: () => agent.destroy(),
  };
}

/** @returns the answer to what is not to be forwarded. */
function refuse(
  message: ClientMessage,
  { headers }: RelayRequest,
  { policy }: RemoteTarget,
): RelayResponse | undefined {
  if (message.type === "invalid") return errorResponse(message.id, message.error, 400);
  if (message.type !== "request") return undefined;
  const contradicted = contradictedHeader(headers, message);
  if (contradicted !== undefined) {
    const error = { code: RPC.headerMismatch, message: `The header ${contradicted} contradicts the body` };
    return errorResponse(message.id, error, 400);
  }
  if (message.method !== "tools/call") return undefined;
  const named = toolNameOf(message.params);
  if ("fault" in named) return errorResponse(message.id, { code: RPC.invalidParams, message: named.fault }, 200);
  return policy(named.name) ? undefined : errorResponse(message.id, unknownTool(named.name), 200);
}

interface Forwarding {
  request: RelayRequest;
  target: RemoteTarget;
  method: (typeof METHODS)[number];
  message: ClientMessage | undefined;
}

function toRemoteRequest({ request, target, method, message }: Forwarding): Dispatcher.RequestOptions {
  const { origin, pathname, search } = new URL(target.url);
  const isLasting = method === "GET" || (message?.type === "request" && LASTING.has(message.method));
  const timeoutMs = target.timeoutSeconds * 1000;
  return {
    origin,
    path: pathname + search,
    method,
    headers: {
      ...(message && { "content-type": "application/json" }),
      ...toRemoteHeaders(request.headers, target.headers),
    },
    // Written anew: what the server reads is what was decided about.
    body: message && message.type !== "invalid" ? JSON.stringify(message.json) : null,
    signal: request.signal,
    headersTimeout: timeoutMs,
    bodyTimeout: isLasting ? 0 : timeoutMs,
  };
}

/** A stream that the caller opens by GET may repeat the answer of an earlier request. */
function isList(method: string, message: ClientMessage | undefined): boolean {
  return method === "GET" || (message?.type === "request" && message.method === "tools/list");
}

interface Answering {
  target: RemoteTarget;
  id: RequestId | null;
  isList: boolean;
}

async function toResponse(
  remote: Dispatcher.ResponseData,
  { target, id, isList: hasList }: Answering,
): Promise<RelayResponse> {
  const { statusCode: status, body } = remote;
  const refusal = refusalOf(remote, target.server);
  if (refusal) {
    await body.dump();
    return failureResponse(id, refusal);
  }
  const headers = toCallerHeaders(remote.headers);
  if (!hasList) return { status, headers, body };
  const type = headers["content-type"] ?? "";
  const isReadable = (headers["content-encoding"] ?? "identity") === "identity";
  if (isReadable && type.startsWith("text/event-stream"))
    return { status, headers, body: filterEvents(body, target.policy) };
  const content = await readAtMost(body, MAX_LIST_BYTES);
  if (content.length === 0) return { status, headers, body: content };
  if (isReadable && type.startsWith("application/json")) {
    return { status, headers, body: filterMessage(content, target.policy) };
  }
  // The number says what a client must do, such as to open another session.
  if (status >= 400) {
    return errorResponse(id, { code: RPC.internalError, message: `The server answered HTTP ${status}` }, status);
  }
  throw new McpctlError(
    "upstream-protocol",
    `Server "${target.server}" answered with something that is neither JSON nor events`,
  );
}

/** What the server says to mcpd, which its caller could not make sense of. */
function refusalOf({ statusCode, headers }: Dispatcher.ResponseData, server: string): McpctlError | undefined {
  if (statusCode === 401 || statusCode === 403) {
    return new McpctlError(
      "upstream-unavailable",
      `Server "${server}" refuses the credentials of mcpd (HTTP ${statusCode})`,
      {
        hint: `Check spec.headers: mcpctl get server ${server} -o yaml`,
      },
    );
  }
  if (statusCode < 300 || statusCode >= 400) return undefined;
  const place = typeof headers.location === "string" ? ` to ${headers.location.slice(0, 200)}` : "";
  return new McpctlError("upstream-unavailable", `Server "${server}" redirects${place}; redirects are not followed`, {
    hint: "Set spec.url to the address itself",
  });
}

async function readAtMost(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes)
      throw new McpctlError("upstream-protocol", `The server sent a list of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function toFailure(error: unknown, { server, timeoutSeconds }: RemoteTarget): McpctlError {
  if (error instanceof McpctlError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  const hint = `See why with: mcpctl describe server ${server}`;
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") {
    return new McpctlError("upstream-timeout", `Server "${server}" did not answer within ${timeoutSeconds} s`, {
      hint,
      cause: error,
    });
  }
  return new McpctlError("upstream-unavailable", `Server "${server}" cannot be reached: ${code}`, {
    hint,
    cause: error,
  });
}
