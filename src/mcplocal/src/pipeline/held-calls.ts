import { createHash, randomBytes } from "node:crypto";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Principal } from "../auth/principal.ts";
import { requireAskable } from "../protocol/client-capabilities.ts";
import { isRecord, type Params } from "../protocol/client-message.ts";
import { invalidParams } from "../protocol/rpc-failure.ts";
import { type InputRequest, toInputRequired } from "./input-required.ts";

/** How long a client may take to come back with answers. */
const LIMIT_MS = 600_000;
const MAX_HELD = 2_000;
const MAX_HELD_PER_TOKEN = 64;
const PREFIX = "mcpctl-held-";

/** Whose request it is, and which: whoever comes back must come as the same with the same. */
export interface Ticket {
  principal: Pick<Principal, "sha" | "project">;
  server: string;
  method: string;
  params: Params;
}

type Run = (client: ClientSide, signal: AbortSignal) => Promise<UpstreamReply>;

interface Asked extends InputRequest {
  resolve(reply: UpstreamReply): void;
}

/** A request to a server with sessions that goes on while its stateless client comes and goes. */
interface HeldCall {
  /** SHA of the token. */
  sha: string;
  digest: string;
  controller: AbortController;
  reply: Promise<UpstreamReply>;
  asked: Map<string, Asked>;
  /** Resolved at the next question. */
  question: PromiseWithResolvers<void>;
}

/**
 * Requests that servers with sessions work on for stateless clients. A question of the server becomes the answer to the
 * client, with a handle by which its next request goes on with the same call; no other request can.
 *
 * @see MCP 2026-07-28, basic/patterns/mrtr
 */
export class HeldCalls {
  readonly #held = new Map<string, { call: HeldCall; timer: NodeJS.Timeout }>();

  get size(): number {
    return this.#held.size;
  }

  /**
   * Starts a call.
   *
   * @param client - what the client declared; it is asked in the answer.
   * @param signal - of the client's request.
   * @throws {McpctlError} what `run` throws.
   */
  start(ticket: Ticket, client: Omit<ClientSide, "ask">, { run, signal }: { run: Run; signal: AbortSignal }) {
    const call: HeldCall = {
      sha: ticket.principal.sha,
      digest: digestOf(ticket),
      controller: new AbortController(),
      reply: Promise.reject(new Error("not started")),
      asked: new Map(),
      question: Promise.withResolvers(),
    };
    call.reply.catch(() => {});
    const ask: ClientSide["ask"] = async (method, params, gone) => {
      requireAskable(client.capabilities, method, params);
      return await putQuestion(call, { method, params }, gone);
    };
    call.reply = run({ ...client, ask }, call.controller.signal);
    call.reply.catch(() => {});
    return this.#next(call, signal);
  }

  /**
   * Goes on with a call that was held.
   *
   * @param answers - `inputResponses` of the client.
   * @throws {RpcFailure} -32602 when there is no such call any more, here or for this client.
   */
  resume(handle: unknown, ticket: Ticket, { answers, signal }: { answers: unknown; signal: AbortSignal }) {
    const found = typeof handle === "string" ? this.#held.get(handle) : undefined;
    if (typeof handle !== "string" || found?.call.digest !== digestOf(ticket)) throw unknownState();
    clearTimeout(found.timer);
    this.#held.delete(handle);
    const { call } = found;
    for (const [key, answer] of Object.entries(isRecord(answers) ? answers : {})) {
      call.asked.get(key)?.resolve({ kind: "result", json: Buffer.from(JSON.stringify(answer)) });
      call.asked.delete(key);
    }
    call.question = Promise.withResolvers();
    if (call.asked.size > 0) call.question.resolve();
    return this.#next(call, signal);
  }

  /** Ends the calls of a token that no longer works. */
  endOfToken(sha: string): void {
    for (const [handle, { call }] of this.#held) if (call.sha === sha) this.#end(handle);
  }

  close(): void {
    for (const handle of this.#held.keys()) this.#end(handle);
  }

  async #next(call: HeldCall, signal: AbortSignal): Promise<UpstreamReply> {
    const onAbort = (): void => call.controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      const reply = await Promise.race([call.reply, call.question.promise]);
      if (reply) return reply;
      signal.throwIfAborted();
      return this.#hold(call);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #hold(call: HeldCall): UpstreamReply {
    this.#checkRoom(call);
    const handle = `${PREFIX}${randomBytes(24).toString("base64url")}`;
    const timer = setTimeout(() => this.#end(handle), LIMIT_MS).unref();
    this.#held.set(handle, { call, timer });
    const requests = [...call.asked].map(([key, { method, params }]): [string, InputRequest] => [
      key,
      { method, params },
    ]);
    return toInputRequired(Object.fromEntries(requests), handle);
  }

  #checkRoom(call: HeldCall): void {
    const ofToken = [...this.#held.values()].filter(({ call: { sha } }) => sha === call.sha).length;
    if (this.#held.size < MAX_HELD && ofToken < MAX_HELD_PER_TOKEN) return;
    const tooMany = new McpctlError("too-many-requests", "Too many calls wait for answers of clients", {
      hint: "Answer or give up those that were begun",
    });
    call.controller.abort(tooMany);
    throw tooMany;
  }

  #end(handle: string): void {
    const found = this.#held.get(handle);
    if (!found) return;
    clearTimeout(found.timer);
    this.#held.delete(handle);
    found.call.controller.abort(new McpctlError("request-timeout", "The client did not come back with an answer"));
  }
}

function putQuestion(call: HeldCall, request: InputRequest, gone: AbortSignal): Promise<UpstreamReply> {
  if (gone.aborted) return Promise.reject(gone.reason);
  const answer = Promise.withResolvers<UpstreamReply>();
  const key = `question-${randomBytes(6).toString("base64url")}`;
  call.asked.set(key, { ...request, resolve: answer.resolve });
  gone.addEventListener("abort", () => {
    call.asked.delete(key);
    answer.reject(gone.reason);
  });
  // What the server asks in one breath is put to the client in one answer.
  setImmediate(() => call.question.resolve());
  return answer.promise;
}

function digestOf({ principal: { sha, project }, server, method, params }: Ticket): string {
  const { _meta, requestState: _state, inputResponses: _responses, ...rest } = params;
  return createHash("sha256")
    .update(JSON.stringify([sha, project, server, method, rest]))
    .digest("base64url");
}

/** The same whether it never was, has been used, is too old, or belongs to somebody else or to another gateway. */
function unknownState() {
  return invalidParams("The requestState is unknown here, was used before or is too old", {
    code: "not-found",
    hint: "Send the request anew, without requestState",
  });
}
