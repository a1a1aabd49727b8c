import { validateHeaderName, validateHeaderValue } from "node:http";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { type Json, parseBoundedJson } from "@mcpctl/shared/json.ts";
import { parseKeyValue, usageError } from "../args.ts";
import { isWebUrl } from "../server-url.ts";
import type { Expectations, ToolCall } from "./checks/expectation-checks.ts";
import type { TestSettings } from "./endpoint.ts";
import { isObject } from "./rpc.ts";
import type { HeaderFields } from "./wire-exchange.ts";

/** What the command line says. */
export interface TestInput {
  url: string;
  era: "auto" | "modern" | "legacy";
  token: string | undefined;
  tokenFile: string | undefined;
  tokenStdin: boolean;
  project: string | undefined;
  header: readonly string[];
  call: readonly string[];
  expectTool: readonly string[];
  maxLatency: string | undefined;
  slow: "fail" | "warn";
  timeout: string;
  strict: boolean;
  tokenInQuery: boolean;
  conformance: boolean;
  output: "table" | "json" | "junit";
}

export interface TestOptions {
  settings: Omit<TestSettings, "token">;
  expectations: Expectations;
}

const MAX_MS = 10 * 60 * 1_000;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** @throws {McpctlError} `invalid` */
export function parseOptions(input: TestInput): TestOptions {
  const { maxLatency, slow } = input;
  const maxMs = maxLatency === undefined ? undefined : parseMilliseconds(maxLatency, "--max-latency");
  return {
    settings: {
      url: parseEndpointUrl(input.url),
      era: input.era,
      headers: parseHeaders(input.header),
      timeoutMs: parseMilliseconds(input.timeout, "--timeout"),
      isTokenInQueryAllowed: input.tokenInQuery,
    },
    expectations: {
      tools: input.expectTool,
      calls: input.call.map(parseCall),
      latency: maxMs === undefined ? undefined : { maxMs, severity: slow === "warn" ? "warning" : "error" },
    },
  };
}

function parseEndpointUrl(text: string): URL {
  if (!isWebUrl(text)) {
    throw usageError(`"${text}" is no http or https URL`, "For example: mcpctl test mcp http://127.0.0.1:7420/mcp");
  }
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    throw usageError("The URL must not hold credentials", "Give a token with: --token-file FILE");
  }
  url.hash = "";
  return url;
}

function parseMilliseconds(text: string, flag: string): number {
  const [, count = "", unit = ""] = /^(\d{1,7})(ms|s|m)$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNIT_MS[unit] ?? 0);
  if (milliseconds >= 1 && milliseconds <= MAX_MS) return milliseconds;
  throw usageError(`${flag} needs a time between 1ms and 10m; it got "${text}"`, `For example: ${flag} 500ms`);
}

function parseHeaders(pairs: readonly string[]): HeaderFields {
  return Object.fromEntries(pairs.map((pair) => parseHeader(pair)));
}

function parseHeader(pair: string): [string, string] {
  const { name, value } = parseKeyValue(pair, "--header");
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    // Its cause is left out: it would quote the value, which may be a secret.
    throw usageError("--header has a name or a value that HTTP does not allow", "For example: --header X-Team=data");
  }
  return [name.toLowerCase(), value];
}

function parseCall(text: string): ToolCall {
  const at = text.indexOf("=");
  const tool = at < 0 ? text : text.slice(0, at);
  const args = at < 0 ? {} : parseArguments(text.slice(at + 1));
  if (tool !== "" && isObject(args)) return { tool, args };
  throw usageError(`--call needs TOOL=JSON with an object; it got "${text}"`, `For example: --call 'echo={"a":1}'`);
}

function parseArguments(text: string): Json | undefined {
  try {
    return parseBoundedJson(text);
  } catch (thrown) {
    if (thrown instanceof McpctlError) return undefined;
    throw thrown;
  }
}
