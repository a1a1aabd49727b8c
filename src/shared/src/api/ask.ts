import * as z from "zod";
import { notMcpd } from "./client-faults.ts";
import type { ApiRequest, Send } from "./client-transport.ts";

interface Answer<T> {
  value: T;
  status: number;
  headers: Headers;
}
/** Sends a request, and parses what comes back. */
export type Ask = <Schema extends z.ZodType>(schema: Schema, request: ApiRequest) => Promise<Answer<z.output<Schema>>>;

/** @throws {McpctlError} `unreachable` for an answer that the schema does not take; whatever `send` throws. */
export function createAsk(baseUrl: string, send: Send): Ask {
  return async (schema, request) => {
    const { status, headers, body } = await send(request);
    const parsed = schema.safeParse(body);
    if (parsed.success) return { value: parsed.data, status, headers };
    const where = z.core.toDotPath(parsed.error.issues[0]?.path ?? []);
    throw notMcpd(baseUrl, `${request.method} ${request.path} with JSON of another form${where && ` (at ${where})`}`);
  };
}
