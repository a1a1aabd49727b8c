import { isIP } from "node:net";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { parseWith } from "@mcpctl/shared/validate.ts";
import * as z from "zod";
import type { Route } from "./route.ts";

const NO_QUERY: z.ZodType<Record<string, string>> = z.strictObject({});

/** Probes and balancers add parameters of their own to public paths; anywhere else an unknown one is a mistake. */
export function parseQuery({ query, permission }: Route, given: Record<string, unknown>): Record<string, string> {
  const values = singleValues(given);
  if (!query && permission.kind === "public") return values;
  return parseWith(query ?? NO_QUERY, values, "The query");
}

export function singleValues(query: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(query).map(([key, value]): [string, string] => {
    if (typeof value === "string") return [key, value];
    throw new McpctlError("bad-request", `The query names "${key}" twice`);
  });
  return Object.fromEntries(entries);
}

/** Node joins or drops repeated headers; two credentials in one request are refused, whichever would have won. */
export function singleAuthorization(rawHeaders: readonly string[]): string | undefined {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "authorization");
  if (values.length > 1) throw new McpctlError("bad-request", "The request has more than one Authorization header");
  return values[0];
}

/** @returns "" for what is no address: a proxy hands on what it was told, and it is kept in memory and stored. */
export function clientAddress(ip: string): string {
  return ip.length <= 64 && isIP(ip) !== 0 ? ip : "";
}
