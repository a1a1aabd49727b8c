import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type RequestLoad, tooManyBodies } from "@mcpctl/shared/request-loads.ts";

const NOTHING = Buffer.alloc(0);
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;
/** A client that goes on sending a body that was refused loses the connection after this much more. */
const MAX_DISCARDED_BYTES = 4 * MAX_BODY_BYTES;

/**
 * Reads the whole body of a request.
 *
 * @throws {McpctlError} `payload-too-large` above 4 MiB, before the rest is read; `unavailable` when too much is being
 *   read already; `bad-request` when the client stops in the middle.
 */
export function readBody(request: IncomingMessage, load: RequestLoad): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let body: Buffer | undefined;
    let more: Buffer[] | undefined;
    let bytes = 0;
    if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
      discard(request);
      reject(tooLarge());
      return;
    }
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      const isTooLarge = bytes > MAX_BODY_BYTES;
      if (isTooLarge || !load.take(chunk.length)) {
        request.removeAllListeners("data");
        discard(request);
        body = more = undefined;
        reject(isTooLarge ? tooLarge() : tooManyBodies());
      } else if (body) (more ??= [body]).push(chunk);
      else body = chunk;
    });
    request.on("end", () => resolve(more ? Buffer.concat(more) : (body ?? NOTHING)));
    // Without a listener for "error", Node says of a body that breaks off only that it has closed.
    request.on("close", () => {
      if (!request.complete) reject(new McpctlError("bad-request", "The body of the request is incomplete"));
    });
  });
}

/** Lets the rest of a body run dry, so that the client can read the answer before the connection ends. */
function discard(request: IncomingMessage): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DISCARDED_BYTES) request.destroy();
  });
}

function tooLarge(): McpctlError {
  return new McpctlError("payload-too-large", `The body is larger than ${MAX_BODY_BYTES} bytes`, {
    hint: "Pass large content by reference, for instance as a path or a URL that the tool can read",
  });
}
