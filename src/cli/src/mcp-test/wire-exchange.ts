import type { Json } from "@mcpctl/shared/json.ts";

export type HeaderFields = Readonly<Record<string, string>>;

/** A request as it goes out: nothing is added to it but `Host` and what frames the body. */
export interface WireRequest {
  httpMethod: "GET" | "POST" | "DELETE";
  headers: HeaderFields;
  body?: string | undefined;
  /** Another address than the endpoint's. */
  url?: URL;
  /** Asked when the head has arrived and after each message; true ends the exchange. */
  isDone?: (answer: WireAnswer) => boolean;
}

export interface WireAnswer {
  status: number;
  headers: HeaderFields;
  /** The body; empty for a stream of events. */
  text: string;
  /** JSON of the body, or of the events so far. */
  messages: Json[];
  isStream: boolean;
  durationMs: number;
}
