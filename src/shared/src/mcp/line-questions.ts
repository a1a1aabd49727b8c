import { McpctlError } from "../errors.ts";
import { CallTurns } from "./call-turns.ts";
import { isObject, parseJson } from "./line-messages.ts";
import type { PendingRequests, Waiter } from "./pending-requests.ts";
import type { RequestId } from "./protocol.ts";
import { toRpcAnswer } from "./question-answer.ts";
import { splitMark } from "./relay-marks.ts";

/** What a server may ask of a client. */
const QUESTIONS: readonly string[] = ["elicitation/create", "sampling/createMessage", "roots/list"];
/** A server that asks more than this at a time is not answered. */
const MAX_QUESTIONS = 64;

interface LineQuestionsOptions {
  /** Name of the server, for messages. */
  server: string;
  pending: PendingRequests;
  /** Whether mcpd is in between, which says to which call a question belongs. */
  isRelayed: boolean;
  write(line: string): void;
}

/**
 * Answers what a server asks over a line connection, where nothing says to which of the calls under way a question
 * belongs. It belongs to the only one whose client can be asked. Where there are several, nobody is asked, since it might
 * be the wrong one; from then on such calls are made one after the other, because this server asks.
 */
export class LineQuestions {
  readonly #options: LineQuestionsOptions;
  readonly #turns = new CallTurns();
  #open = 0;

  constructor(options: LineQuestionsOptions) {
    this.#options = options;
  }

  /** Makes a call of a client that can be asked, when it is its turn. */
  run<T>(call: () => Promise<T>): Promise<T> {
    return this.#turns.run(call);
  }

  answer(id: RequestId, method: string, line: Uint8Array): void {
    if (method === "ping") return this.#write(id, '"result":{}');
    if (!QUESTIONS.includes(method)) return this.#write(id, toRpcAnswer(unknownMethod(method)));
    if (this.#open >= MAX_QUESTIONS) return this.#write(id, toRpcAnswer(tooMany()));
    this.#open += 1;
    void this.#ask(method, line)
      .then((answer) => this.#write(id, answer))
      .finally(() => (this.#open -= 1));
  }

  async #ask(method: string, line: Uint8Array): Promise<string> {
    const { pending } = this.#options;
    const json = parseJson(line);
    const params = isObject(json) && isObject(json["params"]) ? json["params"] : {};
    const found = this.#find(params);
    if (found instanceof McpctlError) return toRpcAnswer(found);
    const [callId, { client }] = found;
    if (!client) return toRpcAnswer(this.#nobody());
    const signal = pending.pause(callId);
    try {
      return toRpcAnswer(await client.ask(method, splitMark(params).params, signal));
    } catch (thrown) {
      return toRpcAnswer(thrown);
    } finally {
      pending.resume(callId);
    }
  }

  #find(params: Record<string, unknown>): [number, Waiter] | McpctlError {
    const { pending, isRelayed, server } = this.#options;
    if (isRelayed) {
      const { mark: id } = splitMark(params);
      const waiter = typeof id === "number" ? pending.get(id) : undefined;
      return typeof id === "number" && waiter ? [id, waiter] : this.#nobody();
    }
    const askable = pending.askable();
    const [only] = askable;
    if (only && askable.length === 1) return only;
    if (!only) return this.#nobody();
    this.#turns.begin();
    return new McpctlError("conflict", `Server "${server}" asks, but it cannot be told for which of its calls`, {
      hint: "Try again: from now on its calls are made one after the other",
    });
  }

  #nobody(): McpctlError {
    return new McpctlError("method-not-allowed", "No client can be asked: none has a call under way that allows it");
  }

  #write(id: RequestId, answer: string): void {
    this.#options.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},${answer}}`);
  }
}

function unknownMethod(method: string): McpctlError {
  return new McpctlError("method-not-allowed", `Method not found: ${method.slice(0, 100)}`);
}

function tooMany(): McpctlError {
  return new McpctlError("too-many-requests", `More than ${MAX_QUESTIONS} questions wait for an answer`);
}
