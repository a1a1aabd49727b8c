import { McpctlError } from "@mcpctl/shared/errors.ts";
import { CallTurns } from "@mcpctl/shared/mcp/call-turns.ts";
import { isObject, parseJson } from "@mcpctl/shared/mcp/line-messages.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { toRpcAnswer } from "@mcpctl/shared/mcp/question-answer.ts";
import type { ClientSide } from "@mcpctl/shared/mcp/upstream.ts";
import type { HeaderBlock } from "../http1/header-block.ts";
import type { HttpTarget } from "./http-exchange.ts";
import { sendOneWay } from "./rpc-exchange.ts";

/** A server that asks more than this at a time is not answered. */
const MAX_ANSWERS = 32;

/** A call that is under way, on whose behalf a server may ask. */
export interface AskingCall {
  client: ClientSide;
  /** Aborted when the call has ended, however it did. */
  signal: AbortSignal;
  /** Questions that wait for the client; the server is not late meanwhile. */
  waiting: number;
}

/** What a server with sessions asks, and where the answer goes. */
export interface ServerQuestion {
  id: RequestId;
  method: string;
  message: Uint8Array;
  headers: HeaderBlock;
}

/**
 * Answers what a server with sessions asks over HTTP. Many ask on the session's stream instead of the call's, where
 * nothing says to which call a question belongs.
 */
export class ServerQuestions {
  readonly #target: HttpTarget;
  readonly #calls = new Set<AskingCall>();
  readonly #turns = new CallTurns();
  #answers = 0;

  constructor(target: HttpTarget) {
    this.#target = target;
  }

  /** Makes a call during which its client can be asked, when it is its turn. */
  run<T>(client: ClientSide, signal: AbortSignal, call: (asking: AskingCall) => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      const over = new AbortController();
      const asking = { client, signal: AbortSignal.any([signal, over.signal]), waiting: 0 };
      this.#calls.add(asking);
      try {
        return await call(asking);
      } finally {
        this.#calls.delete(asking);
        over.abort(new Error("The call has ended"));
      }
    });
  }

  /** @param call - on whose stream the question came; undefined for one whose client cannot be asked. */
  answer(question: ServerQuestion, call: AskingCall | undefined): void {
    this.#answer(question, () => call ?? notAsked(question.method, "no client of this server can be asked"));
  }

  /** Answers a question that names no call. It belongs to the only one that there is, and to nobody when there are several. */
  answerUnnamed(question: ServerQuestion): void {
    this.#answer(question, () => {
      const [call] = this.#calls;
      if (!call) return notAsked(question.method, "no client of this server can be asked");
      if (this.#calls.size === 1) return call;
      this.#turns.begin();
      return notAsked(question.method, "it cannot be told which call this belongs to");
    });
  }

  #answer(question: ServerQuestion, findCall: () => AskingCall | McpctlError): void {
    if (this.#answers >= MAX_ANSWERS) return;
    this.#answers += 1;
    void this.#send(question, findCall).finally(() => (this.#answers -= 1));
  }

  async #send({ id, method, message, headers }: ServerQuestion, findCall: () => AskingCall | McpctlError) {
    const answer = method === "ping" ? '"result":{}' : await ask(method, message, findCall());
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${answer}}`;
    await sendOneWay(this.#target, headers, body).catch(() => {});
  }
}

async function ask(method: string, message: Uint8Array, call: AskingCall | McpctlError): Promise<string> {
  if (call instanceof McpctlError) return toRpcAnswer(call);
  const json = parseJson(message);
  const params = isObject(json) && isObject(json["params"]) ? json["params"] : {};
  call.waiting += 1;
  try {
    return toRpcAnswer(await call.client.ask(method, params, call.signal));
  } catch (thrown) {
    return toRpcAnswer(thrown);
  } finally {
    call.waiting -= 1;
  }
}

function notAsked(method: string, why: string): McpctlError {
  return new McpctlError("method-not-allowed", `${method} is not answered: ${why}`, {
    hint: "Ask on the stream of the call, as MCP requires",
  });
}
