import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { RELAY_LINK } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { PROBLEM_MEDIA_TYPE } from "@mcpctl/shared/problem.ts";
import { HeaderLines } from "../http1/header-lines.ts";
import { mediaTypeOf } from "./http-exchange.ts";
import { refusalError } from "./refusal.ts";

const DIAL_TIMEOUT_MS = 5_000;
const MAX_REFUSAL_BYTES = 64 * 1_024;
const KEEP_ALIVE_MS = 30_000;

export interface LinkAddress {
  /** Name of the server, for messages. */
  name: string;
  /** Of the server at mcpd's relay. */
  url: URL;
  /** Credentials included. */
  headers: Record<string, string>;
}

/**
 * Opens a link to a server at mcpd's relay.
 *
 * @returns undefined where there are no links: mcpd is older or has too many, or something in between lets none pass.
 * @throws {McpctlError} `upstream-unavailable`, and what mcpd answers to callers whom it does not let in.
 */
export async function dialLink({ name, url, headers }: LinkAddress): Promise<Socket | undefined> {
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const asking = { connection: "Upgrade", upgrade: RELAY_LINK };
  const request = send(url, { agent: false, headers: { ...headers, ...asking }, timeout: DIAL_TIMEOUT_MS });
  request.on("timeout", () => request.destroy(new Error(`no answer within ${DIAL_TIMEOUT_MS / 1_000} s`)));
  request.end();
  try {
    const answer = await answerTo(request);
    if (answer.socket) return ready(answer.socket, answer.head);
    return await refuse(name, answer.response);
  } catch (error) {
    throw error instanceof McpctlError ? error : unreachable(name, error);
  } finally {
    // What comes later concerns nobody.
    request.on("error", () => {});
  }
}

type Answer = { socket: Socket; head: Buffer } | { socket: undefined; response: IncomingMessage };

function answerTo(request: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on("upgrade", (response, _socket, head) => resolve({ socket: response.socket, head }));
    request.on("response", (response) => resolve({ socket: undefined, response }));
    request.on("error", reject);
  });
}

function ready(socket: Socket, head: Buffer): Socket {
  socket.setTimeout(0);
  socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on("error", () => socket.destroy());
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** @throws {McpctlError} when whoever answered knows about links, or nobody could be asked. */
async function refuse(name: string, response: IncomingMessage): Promise<undefined> {
  const { statusCode: status = 0 } = response;
  const headers = new HeaderLines(`content-type: ${response.headers["content-type"] ?? ""}`);
  const body = await readSome(response);
  response.destroy();
  const isMcpds = mediaTypeOf(headers) === PROBLEM_MEDIA_TYPE;
  const isFinal = status === 401 || status === 403 || (status === 404 && isMcpds);
  // 501 and 505 come from what knows no upgrades. Where there are too many links, HTTP still serves.
  const isPassing = status >= 500 && status !== 501 && status !== 505;
  if (isFinal || isPassing) throw refusalError(name, { status, headers, body, reply: undefined });
}

async function readSome(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > MAX_REFUSAL_BYTES) response.destroy();
  });
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS);
  await once(response, "close", { signal }).catch(() => {});
  return Buffer.concat(chunks);
}

function unreachable(name: string, cause: unknown): McpctlError {
  return new McpctlError("upstream-unavailable", `Server "${name}" cannot be reached: mcpd does not answer`, {
    hint: "Check that mcpd runs, and --mcpd-url of the gateway",
    cause,
  });
}
