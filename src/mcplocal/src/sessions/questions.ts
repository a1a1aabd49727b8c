import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";

/** A person may have to think; nobody thinks for longer about a form. */
const LIMIT_MS = 600_000;
const MAX_WAITING = 64;

interface Question {
  method: string;
  params: Record<string, unknown>;
  /** Gives the request to the client. @returns false when it cannot be reached. */
  send(message: Uint8Array): boolean;
  /** Aborted when nobody wants the answer any more. */
  signal: AbortSignal;
}

/** Requests to one client with a session, which answers them whenever it likes. */
export class Questions {
  readonly #waiting = new Map<RequestId, PromiseWithResolvers<UpstreamReply>>();
  #lastId = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** @throws {McpctlError} `upstream-unavailable`, `request-timeout`, `too-many-requests`, and the reason of the signal. */
  async ask({ method, params, send, signal }: Question): Promise<UpstreamReply> {
    signal.throwIfAborted();
    if (this.#waiting.size >= MAX_WAITING) throw tooMany();
    this.#lastId += 1;
    const id = `mcpctl-${this.#lastId}`;
    const answer = Promise.withResolvers<UpstreamReply>();
    const onAbort = (): void => {
      send(toMessage({ method: "notifications/cancelled", params: { requestId: id } }));
      answer.reject(signal.reason);
    };
    const timer = setTimeout(() => answer.reject(late()), LIMIT_MS).unref();
    signal.addEventListener("abort", onAbort);
    this.#waiting.set(id, answer);
    try {
      if (!send(toMessage({ id, method, params }))) throw unreachable();
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
    }
  }

  /** Takes what the client says; an answer that nobody waits for is dropped. */
  answer(id: RequestId, reply: UpstreamReply): void {
    this.#waiting.get(id)?.resolve(reply);
  }

  /** The session is over. */
  end(): void {
    for (const { reject } of this.#waiting.values()) reject(unreachable());
  }
}

function toMessage(message: object): Uint8Array {
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
}

function late(): McpctlError {
  return new McpctlError("request-timeout", `The client did not answer within ${LIMIT_MS / 1_000} s`);
}

function unreachable(): McpctlError {
  return new McpctlError("upstream-unavailable", "The client cannot be asked: it reads no events of this call");
}

function tooMany(): McpctlError {
  return new McpctlError("too-many-requests", "The client has too many questions to answer already");
}
