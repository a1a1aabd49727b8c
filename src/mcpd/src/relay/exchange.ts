import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";

/** One HTTP exchange with the MCP endpoint of a server. The length of the body is bounded by who took it in. */
export interface RelayRequest {
  method: string;
  headers: IncomingHttpHeaders;
  body: Uint8Array;
  /** Aborted when the caller is gone. */
  signal: AbortSignal;
}

export interface RelayResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | Readable;
}

/** Whether the caller may see and call a tool, by the name that the server gives it. */
export type ToolPolicyCheck = (tool: string) => boolean;

/** A server that mcpd runs. */
export interface ProcessTarget {
  upstream: Upstream;
  policy: ToolPolicyCheck;
}

/** A server with an address of its own. */
export interface RemoteTarget {
  /** Its name, for messages. */
  server: string;
  url: string;
  /** What the server wants to see, credentials included; they win over the caller's. */
  headers: Readonly<Record<string, string>>;
  policy: ToolPolicyCheck;
  timeoutSeconds: number;
}

export type RelayTarget = ProcessTarget | RemoteTarget;
