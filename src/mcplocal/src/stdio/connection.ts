import { Buffer } from "node:buffer";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { replyIdOf } from "@mcpctl/shared/mcp/line-messages.ts";
import { createLineMemory } from "@mcpctl/shared/mcp/line-memory.ts";
import { createLineSplitter } from "@mcpctl/shared/mcp/line-splitter.ts";
import type { RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import { type RequestLoads, tooManyBodies } from "@mcpctl/shared/request-loads.ts";
import type { MethodRunner } from "../pipeline/method-runner.ts";
import { toMessage } from "../protocol/change-messages.ts";
import { type ClientMessage, type ClientRequest, parseClientMessage } from "../protocol/client-message.ts";
import { RpcFailure, toErrorReply, toRpcError } from "../protocol/rpc-failure.ts";
import { cancelWhenAsked } from "../sessions/session-requests.ts";
import type { Output } from "./output.ts";
import type { Router } from "./router.ts";

/** The same that a POST may have. */
const MAX_LINE_BYTES = 4 * 1_024 * 1_024;
const CARRIAGE_RETURN = 0x0d;

interface ConnectionDeps {
  router: Router;
  runner: Pick<MethodRunner, "report">;
  output: Output;
  loads: RequestLoads;
}

/** A client at the other end of two pipes: each line is a message. */
export class Connection {
  readonly #deps: ConnectionDeps;
  /** Requests under way, so that the client can cancel them. */
  readonly #running = new Map<RequestId, AbortController>();
  /** Those that listen, and so wait for no answer. */
  readonly #listening = new Set<AbortController>();
  #waiting = 0;
  #onIdle: (() => void) | undefined;
  /** Takes what has been read. */
  readonly receive: (chunk: Uint8Array) => void;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    const memory = createLineMemory(Buffer);
    this.receive = createLineSplitter({
      maxLineBytes: MAX_LINE_BYTES,
      memory,
      onLine: (line, isOwn) => {
        this.#receiveLine(line);
        if (isOwn) memory.giveBack(line);
      },
      onLongLine: (first, last) => this.#refuse(tooLong(), replyIdOf(first, last)),
    });
  }

  /** Resolves when no request waits for an answer. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  /** Gives up what is under way. Who listens is told by the end of the project. */
  close(): void {
    for (const controller of this.#running.values())
      if (!this.#listening.has(controller)) controller.abort(new Error("The client is gone"));
    this.#deps.router.close();
  }

  #receiveLine(line: Uint8Array): void {
    if (line.length === 0 || (line.length === 1 && line[0] === CARRIAGE_RETURN)) return;
    let message: ClientMessage;
    try {
      message = parseClientMessage(Buffer.from(line.buffer, line.byteOffset, line.length));
    } catch (thrown) {
      this.#refuse(thrown, thrown instanceof RpcFailure ? thrown.id : undefined);
      return;
    }
    if (message.type === "request") void this.#serve(message, line.length);
    else if (message.type === "notification") cancelWhenAsked(this.#running, message);
    else if (message.id !== undefined) this.#deps.router.takeAnswer(message.id, message.reply);
  }

  async #serve(request: ClientRequest, requestBytes: number): Promise<void> {
    const { id, method } = request;
    const controller = new AbortController();
    const { signal } = controller;
    // What opens the session cannot be taken back.
    if (method !== "initialize") this.#running.set(id, controller);
    const isListening = method === "subscriptions/listen";
    if (isListening) this.#listening.add(controller);
    else this.#waiting += 1;
    let load;
    try {
      load = this.#deps.loads.begin("");
      if (!load.take(requestBytes)) throw tooManyBodies();
      await this.#deps.router.serve({ request, requestBytes, signal });
    } catch (thrown) {
      if (!signal.aborted) this.#refuse(thrown, id);
    } finally {
      load?.end();
      if (this.#running.get(id) === controller) this.#running.delete(id);
      if (!this.#listening.delete(controller)) this.#waiting -= 1;
      if (this.#waiting === 0) this.#onIdle?.();
    }
  }

  #refuse(thrown: unknown, id: RequestId | undefined): void {
    const { output, runner } = this.#deps;
    const error = toRpcError(thrown, runner.report(thrown));
    if (id === undefined) output.send(toMessage({ error }));
    else output.reply(id, toErrorReply(error));
  }
}

function tooLong(): McpctlError {
  return new McpctlError("payload-too-large", `The message is larger than ${MAX_LINE_BYTES} bytes`, {
    hint: "Pass large content by reference, for instance as a path or a URL that the tool can read",
  });
}
