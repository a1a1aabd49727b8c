import { Buffer } from "node:buffer";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type RequestLoad, tooManyBodies } from "@mcpctl/shared/request-loads.ts";
import type { BodyTaker, ServerExchange } from "../http1/server/server-exchange.ts";

const NOTHING = Buffer.alloc(0);
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;

/**
 * Reads the whole body of a request.
 *
 * @throws {McpctlError} `payload-too-large` above 4 MiB, before the rest is read; `unavailable` when too much is being
 *   read already; `bad-request` when the client stops in the middle.
 */
export function readBody(exchange: ServerExchange, load: RequestLoad): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(exchange.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) return reject(tooLarge());
    exchange.receive(new BodyCollector(exchange, { load, resolve, reject }));
  });
}

interface Collecting {
  load: RequestLoad;
  resolve(body: Buffer): void;
  reject(reason: McpctlError): void;
}

class BodyCollector implements BodyTaker {
  readonly #exchange: ServerExchange;
  readonly #collecting: Collecting;
  #body: Buffer | undefined;
  #more: Buffer[] | undefined;
  #bytes = 0;

  constructor(exchange: ServerExchange, collecting: Collecting) {
    this.#exchange = exchange;
    this.#collecting = collecting;
  }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_BODY_BYTES) this.#refuse(tooLarge());
    else if (!this.#collecting.load.take(chunk.length)) this.#refuse(tooManyBodies());
    else if (this.#body) (this.#more ??= [this.#body]).push(chunk);
    else this.#body = chunk;
  }

  onEnd(): void {
    this.#collecting.resolve(this.#more ? Buffer.concat(this.#more) : (this.#body ?? NOTHING));
  }

  onLost(): void {
    this.#collecting.reject(new McpctlError("bad-request", "The body of the request is incomplete"));
  }

  #refuse(why: McpctlError): void {
    this.#body = this.#more = undefined;
    this.#exchange.ignoreBody();
    this.#collecting.reject(why);
  }
}

function tooLarge(): McpctlError {
  return new McpctlError("payload-too-large", `The body is larger than ${MAX_BODY_BYTES} bytes`, {
    hint: "Pass large content by reference, for instance as a path or a URL that the tool can read",
  });
}
