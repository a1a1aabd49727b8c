import type { Excess } from "./connection-limits.ts";
import { type ErrorCode, ERROR_CODES, hasCode, McpctlError } from "./errors.ts";
import { PROBLEM_MEDIA_TYPE, toProblem } from "./problem.ts";

/** Seconds, as `Retry-After` says them. */
const RETRY_AFTER = "1";

/** Headers that go with a refusal: whether it is worth trying again soon. */
export function retryHeaders(thrown: unknown): Record<string, string> {
  const isPassing = hasCode(thrown, "unavailable") || hasCode(thrown, "too-many-requests");
  return isPassing ? { "retry-after": `${thrown.retryAfterSeconds ?? RETRY_AFTER}` } : {};
}

/** Why the requests of a connection that is beyond a bound are refused. */
export function tooManyConnections(excess: Excess): McpctlError {
  if (excess === "total") {
    return new McpctlError("unavailable", "There are too many connections", { hint: "Try again in a moment" });
  }
  return new McpctlError("too-many-requests", "There are too many connections from this address", {
    hint: "Use connections again instead of opening new ones; behind a proxy, raise --max-connections-per-address",
  });
}

/** What can be wrong with a request that nobody has looked at yet. */
type Unreadable = "late" | "large" | "malformed";

const UNREADABLE = {
  late: {
    code: "request-timeout",
    message: "The request did not arrive in time",
    hint: "Send the headers within 10 s and the whole request within 30 s",
  },
  large: {
    code: "bad-request",
    message: "The headers of the request are too large",
    hint: "Send less than 16 KB of headers",
  },
  malformed: {
    code: "bad-request",
    message: "The request is no HTTP/1.1",
    hint: "Check that the client speaks HTTP here, and not TLS",
  },
} as const satisfies Record<Unreadable, { code: ErrorCode; message: string; hint: string }>;

/** What `node:http` calls them. Everything else is malformed. */
const NODE_CODES: Readonly<Record<string, Unreadable>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "late",
  HPE_HEADER_OVERFLOW: "large",
};

/** Why a request is refused that could not be read. */
export function unreadableRequest(what: Unreadable, cause?: unknown): McpctlError {
  const { code, message, hint } = UNREADABLE[what];
  return new McpctlError(code, message, { hint, cause });
}

/** What is asked of a socket of `node:net`. */
interface RawSocket {
  readonly writable: boolean;
  write(text: string): unknown;
  destroySoon(): void;
}

/**
 * Answers a request that the HTTP parser has given up, as `clientError` tells it, and ends the connection.
 *
 * @returns what the client was told; undefined when there is nobody to tell, or an answer is under way.
 */
export function answerClientError(error: unknown, socket: RawSocket): McpctlError | undefined {
  const reason = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const failure = unreadableRequest(NODE_CODES[reason] ?? "malformed", error);
  const isTold = socket.writable && reason !== "ECONNRESET" && !isAnswering(socket);
  if (isTold) socket.write(toRawResponse(failure));
  socket.destroySoon();
  return isTold ? failure : undefined;
}

/** `node:http` keeps the response of a socket in this place, and looks there itself before it writes an error. */
function isAnswering(socket: RawSocket): boolean {
  const response: unknown = Reflect.get(socket, "_httpMessage");
  return typeof response === "object" && response !== null && Reflect.get(response, "headersSent") === true;
}

/** A whole response that says what a problem is, and that the connection ends. All of it is ASCII. */
export function toRawResponse(failure: McpctlError): string {
  const body = JSON.stringify(toProblem(failure, "none"));
  const headers = [
    `HTTP/1.1 ${ERROR_CODES[failure.code].status} ${failure.code}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    // Nothing that the client sent is repeated.
    `content-length: ${body.length}`,
    "connection: close",
  ];
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}
