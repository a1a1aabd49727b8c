import { Readable } from "node:stream";
import type { RelayRequest, RelayResponse } from "../../src/relay/exchange.ts";

export const ACCEPT_BOTH = { accept: "application/json, text/event-stream", "content-type": "application/json" };

/** A POST of a message; `id` and `jsonrpc` are added unless the message has them. */
export function post(message: object | string, overrides: Partial<RelayRequest> = {}): RelayRequest {
  const text = typeof message === "string" ? message : JSON.stringify({ jsonrpc: "2.0", id: 1, ...message });
  const signal = new AbortController().signal;
  return { method: "POST", headers: ACCEPT_BOTH, body: Buffer.from(text), signal, ...overrides };
}

export async function bodyOf({ body }: RelayResponse): Promise<string> {
  if (!(body instanceof Readable)) return Buffer.from(body).toString();
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

export async function jsonOf(response: RelayResponse) {
  return JSON.parse(await bodyOf(response));
}

/** The messages of a stream of events. */
export async function eventsOf(response: RelayResponse): Promise<unknown[]> {
  const events = (await bodyOf(response)).split("\n\n").filter((event) => event !== "");
  return events.map((event) => JSON.parse(event.split("data: ")[1] ?? "null"));
}
