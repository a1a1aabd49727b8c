import { McpctlError } from "../errors.ts";
import { fromProblem, problemSchema } from "../problem.ts";
import { notMcpd, timedOut, unreachable } from "./client-faults.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const DEFAULT_TIMEOUT_SECONDS = 30;
const LOGIN_HINT = "Log in with: mcpctl login";

export interface TransportOptions {
  /** Address of mcpd, such as `http://127.0.0.1:7400`; may have a path. */
  baseUrl: string;
  token?: string | undefined;
  fetch?: typeof fetch | undefined;
  /** Limit for one request with its answer. */
  timeoutSeconds?: number | undefined;
  /** Ends every request; what it was aborted with is thrown. */
  signal?: AbortSignal | undefined;
}

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  body?: unknown;
  contentType?: string;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** Parsed JSON; undefined when there is no body. */
  body: unknown;
}

export type Send = (request: ApiRequest) => Promise<ApiAnswer>;

/**
 * Speaks JSON with mcpd. Redirects are not followed, so that the bearer goes nowhere but to `baseUrl`.
 *
 * @throws {McpctlError} `unreachable`, `unauthenticated`; every code that mcpd answers.
 */
export function createTransport(options: TransportOptions): Send {
  const { fetch: send = globalThis.fetch, signal, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const authorization = options.token === undefined ? {} : { authorization: `Bearer ${checkedToken(options.token)}` };

  return async ({ method, path, query = {}, body, contentType = "application/json" }) => {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1_000);
    try {
      const response = await send(withQuery(baseUrl + path, query), {
        method,
        headers: {
          accept: "application/json",
          ...authorization,
          ...(body !== undefined && { "content-type": contentType }),
        },
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return parseAnswer(baseUrl, response, await readText(baseUrl, response));
    } catch (thrown) {
      if (thrown instanceof McpctlError) throw thrown;
      if (signal?.aborted) throw signal.reason;
      throw timeout.aborted ? timedOut(baseUrl, timeoutSeconds) : unreachable(baseUrl, thrown);
    }
  };
}

/** A bearer with a stray character makes `fetch` throw an error that quotes the whole header. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]{1,8192}$/.test(token)) return token;
  throw new McpctlError("unauthenticated", "The token has characters that no token has, such as a line break", {
    hint: "Check MCPCTL_TOKEN, or log in again with: mcpctl login",
  });
}

function withQuery(url: string, query: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) parameters.set(key, value);
  return parameters.size === 0 ? url : `${url}?${parameters.toString()}`;
}

async function readText(baseUrl: string, response: Response): Promise<string> {
  if (response.body === null) return "";
  const body: ReadableStream<Uint8Array> = response.body;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw notMcpd(baseUrl, `more than ${MAX_BODY_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseAnswer(baseUrl: string, { status, ok, headers }: Response, text: string): ApiAnswer {
  if (status >= 300 && status < 400) throw notMcpd(baseUrl, `${status}, a redirect to ${locationOf(headers)}`);
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "nothing";
  if (ok && text === "") return { status, headers, body: undefined };
  const body = /[/+]json$/.test(type) ? parseJson(text) : undefined;
  if (body === undefined) throw notMcpd(baseUrl, `${status} with ${type === "nothing" ? "no JSON" : type}`);
  if (ok) return { status, headers, body };
  throw toError(body) ?? notMcpd(baseUrl, `${status} with unknown JSON`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function locationOf(headers: Headers): string {
  const location = headers.get("location") ?? "";
  return URL.canParse(location) ? new URL(location).origin : "another path";
}

function toError(body: unknown): McpctlError | undefined {
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const error = fromProblem(parsed.data);
  if (error.hint !== undefined) return error;
  const { requestId } = parsed.data;
  const ask = requestId === undefined ? undefined : `Look for request ${requestId} in the log of mcpd`;
  const hint = error.code === "unauthenticated" ? LOGIN_HINT : parsed.data.status >= 500 ? ask : undefined;
  return new McpctlError(error.code, error.message, { hint, fields: error.fields });
}
