import type { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Era, RequestId } from "@mcpctl/shared/mcp/protocol.ts";
import type { Listing, ListKind } from "./listing.ts";
import type { JsonObject, RpcCall, Spoil } from "./rpc.ts";
import type { HeaderFields, WireAnswer } from "./wire-exchange.ts";
import type { Wire } from "./wire.ts";

export interface TestSettings {
  url: URL;
  era: Era | "auto";
  /** Sent as `Authorization: Bearer`. */
  token: string | undefined;
  /** Further headers of every request, by lower-case name. */
  headers: HeaderFields;
  timeoutMs: number;
  /** Whether a token may be sent in the address, where servers write it into their logs. */
  isTokenInQueryAllowed: boolean;
}

/** The server in one era, and a client that speaks it, or spoils what it says. */
export interface Peer {
  endpoint: Endpoint;
  era: Era;
  protocolVersion: string;
  capabilities: JsonObject;
  serverInfo: JsonObject | undefined;
  /** The answer to `server/discover` or `initialize`. */
  greeting: WireAnswer;
  send(call: RpcCall, spoil?: Spoil): Promise<WireAnswer>;
  /** Sends the answer's last word when the exchange is a stream without one. */
  sendUntil(call: RpcCall, isDone: (answer: WireAnswer) => boolean): Promise<WireAnswer>;
  /** The whole list, read once; its faults are part of the answer. */
  listing(kind: ListKind): Promise<Listing>;
}

export interface LegacySession {
  id: string | undefined;
  protocolVersion: string;
  greeting: WireAnswer;
  /** The answer to `notifications/initialized`. */
  confirmation: WireAnswer;
}

export interface LegacyPeer extends Peer {
  session: LegacySession;
  /** Opens one more session, which the caller ends. */
  open(protocolVersion?: string): Promise<LegacySession>;
  /** Sends a request without a body. */
  sendBodiless(httpMethod: "GET" | "DELETE", sessionId: string | undefined, spoil?: Spoil): Promise<WireAnswer>;
}

/** What was found at an address. */
export interface Endpoint {
  settings: TestSettings;
  wire: Wire;
  /** Headers of a request that is admitted. */
  headers: HeaderFields;
  nextId(): RequestId;
  modern?: Peer | undefined;
  legacy?: LegacyPeer | undefined;
  /** Why no request could be sent. */
  unreachable?: McpctlError | undefined;
  /** The answer 401 or 403 that came instead of a greeting. */
  refusal?: WireAnswer | undefined;
  /** What was answered in the eras that are not spoken. */
  silence: readonly string[];
}

/** The newest revision that is spoken. */
export function preferredPeer({ modern, legacy }: Endpoint): Peer | undefined {
  return modern ?? legacy;
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
