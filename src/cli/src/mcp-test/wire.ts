import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { readAnswer } from "./read-answer.ts";
import type { HeaderFields, WireAnswer, WireRequest } from "./wire-exchange.ts";

/** How often a request is sent to a server that says 429. */
const MAX_ATTEMPTS = 4;
const DEFAULT_WAIT_MS = 1_000;

/** A connection to the endpoint that sends what it is told to, also what no client may send. */
export interface Wire {
  /** @throws {McpctlError} `unreachable`, `upstream-timeout`, `upstream-protocol`. */
  send(request: WireRequest): Promise<WireAnswer>;
  close(): void;
}

export interface WireOptions {
  url: URL;
  /** Limit for one answer. */
  timeoutMs: number;
  /** Ends everything. */
  signal: AbortSignal;
}

/** Redirects are not followed: a credential would go where nobody sent it. */
export function createWire({ url: endpoint, timeoutMs, signal }: WireOptions): Wire {
  const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };

  function dial({ httpMethod, headers, body, url = endpoint }: WireRequest, limit: AbortSignal): ClientRequest {
    const options = { method: httpMethod, headers: framed(headers, body), signal: limit };
    return url.protocol === "https:"
      ? httpsRequest(url, { ...options, agent: agents["https:"], servername: serverNameOf(url) })
      : httpRequest(url, { ...options, agent: agents["http:"] });
  }

  /** Whoever asks too often is told when to come again; that says nothing about the rule that is tested. */
  async function sendPatiently(request: WireRequest): Promise<WireAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(request);
      if (answer.status !== 429 || attempt === MAX_ATTEMPTS) return answer;
      await sleep(Math.min(waitOf(answer), timeoutMs), undefined, { signal });
    }
  }

  async function send(request: WireRequest, isRetry = false): Promise<WireAnswer> {
    const startedAt = performance.now();
    const timeout = AbortSignal.timeout(timeoutMs);
    const outgoing = dial(request, AbortSignal.any([signal, timeout]));
    try {
      const incoming = await headOf(outgoing, request.body);
      return await readAnswer(incoming, { isDone: request.isDone, startedAt });
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (timeout.aborted) throw new McpctlError("upstream-timeout", `no answer within ${timeoutMs} ms`);
      // The server closed a kept connection at the moment in which it was used again.
      if (!isRetry && outgoing.reusedSocket && codeOf(thrown) === "ECONNRESET") return await send(request, true);
      throw thrown instanceof McpctlError ? thrown : lost(thrown);
    }
  }

  return {
    send: sendPatiently,
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** By default the name would follow a `Host` that a check made up. Addresses are no names. */
function serverNameOf({ hostname }: URL): string {
  return isIP(hostname.replaceAll(/[[\]]/g, "")) === 0 ? hostname : "";
}

function waitOf({ headers }: WireAnswer): number {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) ? seconds * 1_000 : DEFAULT_WAIT_MS;
}

function framed(headers: HeaderFields, body: string | undefined): HeaderFields {
  return body === undefined ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) };
}

function headOf(outgoing: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // An error after the head is seen by whoever reads the body; here it comes too late to matter.
    outgoing.on("error", reject).once("response", resolve).end(body);
  });
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return codeOf(thrown.errors[0]);
  if (!(thrown instanceof Error)) return "an unknown fault";
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.message;
}

function lost(cause: unknown): McpctlError {
  const code = codeOf(cause);
  const remark = /CERT|SIGNATURE/.test(code) ? "; NODE_EXTRA_CA_CERTS=FILE makes an authority known" : "";
  return new McpctlError("unreachable", `the connection failed: ${code}${remark}`, { cause });
}
