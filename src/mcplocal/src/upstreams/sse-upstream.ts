import type { McpctlError } from "@mcpctl/shared/errors.ts";
import type { ByteSink } from "@mcpctl/shared/mcp/line-writer.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { joinHeaderBlocks, toHeaderBlock } from "../http1/header-block.ts";
import { DialledUpstream, type LineConnection } from "./dialled-upstream.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { createTarget, type HttpTarget, sendHttp } from "./http-exchange.ts";
import { protocolError } from "./rpc-exchange.ts";

const ENDPOINT_MS = 10_000;
const POST_MS = 30_000;
const LINE_FEED = 0x0a;

interface SseUpstreamOptions {
  /** Name of the server, for messages. */
  name: string;
  url: URL;
  /** Headers to send with every request, credentials included. */
  headers: Record<string, string>;
  timeoutSeconds: number;
  dispatcher: Dispatcher;
}

/**
 * A server of the first revision: it answers on one stream of events whatever is posted to the address that it names.
 *
 * @see MCP 2024-11-05, basic/transports, "HTTP with SSE"
 */
export function createSseUpstream(options: SseUpstreamOptions): Upstream {
  const { name, timeoutSeconds } = options;
  const what = "its stream of events";
  return new DialledUpstream({ name, timeoutSeconds, what, knownEra: "legacy", dial: () => dialSse(options) });
}

/** @throws {McpctlError} `upstream-unavailable`, `upstream-timeout`, `upstream-protocol`. */
async function dialSse({ name, url, headers, dispatcher }: SseUpstreamOptions): Promise<LineConnection> {
  const target = createTarget(name, url, dispatcher);
  const ending = new AbortController();
  const named = Promise.withResolvers<URL>();
  const closed = Promise.withResolvers<void>();
  let take = (_chunk: Uint8Array): void => {};
  const late = setTimeout(() => named.reject(noEndpoint(name)), ENDPOINT_MS).unref();
  sendHttp(target, {
    method: "GET",
    headers: toHeaderBlock({ ...headers, accept: "text/event-stream" }),
    signal: ending.signal,
    onMessage(data) {
      take(Buffer.concat([data, Buffer.of(LINE_FEED)]));
      return false;
    },
    onOther: (type, data) => {
      if (type === "endpoint") named.resolve(new URL(data.toString("utf8"), url));
    },
  })
    .then(() => named.reject(noEndpoint(name)), named.reject)
    .finally(closed.resolve);
  try {
    const endpoint = await named.promise;
    if (endpoint.origin !== url.origin) throw protocolError(name, "it names an address at another host");
    const sink = new PostSink(createTarget(name, endpoint, dispatcher), headers, () => ending.abort());
    return {
      sink,
      onData: (taker) => void (take = taker),
      onClose: (listener) => void closed.promise.then(listener),
      destroy: () => ending.abort(),
    };
  } catch (thrown) {
    ending.abort();
    throw thrown;
  } finally {
    clearTimeout(late);
  }
}

/** Posts each line, one after the other: what is said first must arrive first. */
class PostSink implements ByteSink {
  readonly #target: HttpTarget;
  readonly #headers: ReturnType<typeof toHeaderBlock>;
  readonly #onFailed: () => void;
  #rest = Buffer.alloc(0);
  #last = Promise.resolve();

  constructor(target: HttpTarget, headers: Record<string, string>, onFailed: () => void) {
    this.#target = target;
    this.#headers = joinHeaderBlocks(
      toHeaderBlock(headers),
      toHeaderBlock({ accept: "application/json, text/event-stream", "content-type": "application/json" }),
    );
    this.#onFailed = onFailed;
  }

  cork(): void {}

  uncork(): void {}

  write(chunk: Uint8Array, onWritten: () => void): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED)) {
      this.#post(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
    }
    this.#rest = bytes;
    void this.#last.then(onWritten);
  }

  #post(line: Buffer): void {
    const call = { method: "POST", headers: this.#headers, body: line, timeoutMs: POST_MS } as const;
    this.#last = this.#last.then(async () => {
      const status = await sendHttp(this.#target, { ...call, onMessage: () => true }).then(
        (answer) => answer.status,
        () => 0,
      );
      // Who does not take a message will not answer it either; better to begin anew than to wait.
      if (status < 200 || status >= 300) this.#onFailed();
    });
  }
}

function noEndpoint(name: string): McpctlError {
  return protocolError(name, "its stream of events does not say where to post");
}
