import { McpctlError } from "@mcpctl/shared/errors.ts";
import type * as z from "zod";
import { toHeaderBlock } from "../http1/header-block.ts";
import type { Dispatcher } from "../upstreams/dispatcher.ts";
import { createTarget, sendHttp } from "../upstreams/http-exchange.ts";
import { parseJson, problemOf, unusable } from "./mcpd-answers.ts";

const TIMEOUT_MS = 3_000;

export interface McpdAddress {
  mcpdUrl: string;
  /** Keeps the connections to mcpd and to the servers; its owner closes it. */
  dispatcher: Dispatcher;
}

/**
 * Gets something of mcpd.
 *
 * @throws {McpctlError} `unreachable`, `unavailable` for what cannot be understood, and what mcpd answers.
 */
export type AskMcpd = <T>(path: string, schema: z.ZodType<T>, bearer: string | undefined) => Promise<T>;

export function createAskMcpd(address: McpdAddress): AskMcpd {
  return async (path, schema, bearer) => {
    const parsed = schema.safeParse(parseJson(await fetchText(address, path, bearer)));
    if (!parsed.success) throw unusable(`its answer to ${path} has an unknown form`, parsed.error);
    return parsed.data;
  };
}

/** @throws {McpctlError} `unreachable`, and what mcpd answers. */
export async function fetchText(
  { mcpdUrl, dispatcher }: McpdAddress,
  path: string,
  bearer: string | undefined,
): Promise<string> {
  const url = new URL(path, mcpdUrl);
  const headers = toHeaderBlock({ accept: "application/json", ...bearerHeader(bearer) });
  const call = { method: "GET", headers, timeoutMs: TIMEOUT_MS } as const;
  const { status, body } = await sendHttp(createTarget("mcpd", url, dispatcher), call).catch((cause: unknown) => {
    throw new McpctlError("unreachable", `mcpd does not answer at ${url.origin}`, {
      hint: "Check that mcpd runs there, and --mcpd-url of the gateway",
      cause,
    });
  });
  const text = body.toString("utf8");
  if (status !== 200) throw problemOf(status, text);
  return text;
}

export function bearerHeader(bearer: string | undefined): Record<string, string> {
  return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
}
