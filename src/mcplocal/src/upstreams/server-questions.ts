import { McpctlError } from "@mcpctl/shared/errors.ts";
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

/** Answers what a server with sessions asks over HTTP. */
export class ServerQuestions {
  readonly #target: HttpTarget;
  readonly #calls = new Set<AskingCall>();
  #answers = 0;

  constructor(target: HttpTarget) {
    this.#target = target;
  }

  begin(client: ClientSide, signal: AbortSignal): AskingCall {
    const call = { client, signal, waiting: 0 };
    this.#calls.add(call);
    return call;
  }

  end(call: AskingCall): void {
    this.#calls.delete(call);
  }

  /**
   * @param call - on whose stream the question came. Undefined for a question that names none: it belongs to the only
   *   call that there is, and to nobody when there are several.
   */
  answer(question: ServerQuestion, call: AskingCall | undefined): void {
    if (this.#answers >= MAX_ANSWERS) return;
    this.#answers += 1;
    void this.#send(question, call).finally(() => (this.#answers -= 1));
  }

  async #send({ id, method, message, headers }: ServerQuestion, call: AskingCall | undefined): Promise<void> {
    const answer = method === "ping" ? '"result":{}' : await this.#ask(method, message, call);
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${answer}}`;
    await sendOneWay(this.#target, headers, body).catch(() => {});
  }

  async #ask(method: string, message: Uint8Array, named: AskingCall | undefined): Promise<string> {
    const call = named ?? this.#onlyCall();
    if (!call) return toRpcAnswer(notAsked(method, this.#calls.size));
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

  #onlyCall(): AskingCall | undefined {
    const [call] = this.#calls;
    return this.#calls.size === 1 ? call : undefined;
  }
}

function notAsked(method: string, calls: number): McpctlError {
  const why = calls === 0 ? "no client of this server can be asked" : "it cannot be told which call this belongs to";
  return new McpctlError("method-not-allowed", `${method} is not answered: ${why}`, {
    hint: "Ask on the stream of the call, as MCP requires",
  });
}
