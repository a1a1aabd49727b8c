import type { Era } from "./protocol.ts";
import type { ResourceTeller } from "./resource-interests.ts";

/**
 * The answer to one request, as the bytes that the upstream wrote: the value of `result` or of `error`.
 * It is not parsed on the way, so it may be any JSON, and nothing may be assumed of it.
 */
export interface UpstreamReply {
  kind: "result" | "error";
  /** UTF-8 JSON of the value alone. */
  json: Uint8Array;
  /** May be called once by whoever needs the bytes no longer; they are gone from then on. */
  release?: () => void;
}

export interface UpstreamRequestOptions {
  /** Aborting cancels the request at the upstream too. */
  signal: AbortSignal;
  /** Called for each notification that belongs to this request, before the promise settles; UTF-8 JSON. */
  onNotification?: (message: Uint8Array) => void;
  /** Arguments that a stateless server wants to see in headers of HTTP as well, by the name of the header. */
  mirrored?: Readonly<Record<string, string>> | undefined;
  /** Absent when the server can turn to nobody. */
  client?: ClientSide | undefined;
}

/** The client behind a request, as far as the server may turn to it. */
export interface ClientSide {
  /** What it declared that it can be asked for, as it declared it. */
  capabilities: ClientCapabilities;
  /** Least level of log messages that it wants to see; absent when it wants none. */
  logLevel?: string | undefined;
  /**
   * Puts a question of the server to the client: `elicitation/create`, `sampling/createMessage`, `roots/list`.
   *
   * @param params - as the server sent them.
   * @throws {McpctlError} when the client cannot be asked, or does not answer.
   */
  ask(method: string, params: Record<string, unknown>, signal: AbortSignal): Promise<UpstreamReply>;
}

/** Whether there is anything that the client can be asked for. */
export function isAskable(client: ClientSide | undefined): client is ClientSide {
  return client !== undefined && Object.keys(client.capabilities).length > 0;
}

export type ClientCapabilities = Readonly<Record<string, unknown>>;

/** What a server offers as lists; templates of resources change together with resources. */
export const LIST_KINDS = ["tools", "prompts", "resources"] as const;
export type ListKind = (typeof LIST_KINDS)[number];

/** What a server says has changed: one of its lists, or one resource that was subscribed to. */
export type UpstreamChange = { kind: ListKind } | { kind: "resource"; uri: string };
export type ChangeListener = (change: UpstreamChange) => void;

/** What the handshake told about a peer. */
export interface UpstreamIdentity {
  era: Era;
  protocolVersion: string;
  capabilities: Readonly<Record<string, unknown>>;
  serverInfo?: { name: string; version?: string; [key: string]: unknown } | undefined;
  instructions?: string | undefined;
}

/** One MCP server as the gateway sees it: a connection that many callers share. */
export interface Upstream extends ResourceTeller {
  /** What the last handshake told; undefined while there is no connection. Asking for it costs nothing. */
  readonly identity: UpstreamIdentity | undefined;

  /**
   * Performs the handshake when none has been made, and waits for one that is under way.
   *
   * @throws {McpctlError} `upstream-unavailable`, `upstream-timeout`, `upstream-protocol`.
   */
  connect(signal: AbortSignal): Promise<UpstreamIdentity>;

  /**
   * Sends one request. `params` are free of the reserved `_meta` keys of the hop before; the upstream adds its own.
   *
   * @throws {McpctlError} `upstream-unavailable` when the peer is gone, also in the middle of the request;
   *   `upstream-timeout`; `upstream-protocol` when the answer is no JSON-RPC.
   */
  request(method: string, params: Record<string, unknown>, options: UpstreamRequestOptions): Promise<UpstreamReply>;

  /** Calls back whenever the server says that something changed. @returns a function that ends it. */
  onChange(listener: ChangeListener): () => void;

  /** Asks the server to tell when a resource changes, now and after every reconnection; servers need not be able to. */
  subscribe(uri: string): () => void;

  close(): Promise<void>;
}
