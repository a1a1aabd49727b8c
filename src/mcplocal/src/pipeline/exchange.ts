import type { Era } from "@mcpctl/shared/mcp/protocol.ts";
import type { ClientSide, UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import type { Caller } from "../auth/principal.ts";
import type { Project } from "../projects/project.ts";
import type { Params } from "../protocol/client-message.ts";

/** One request of a client on its way through the gateway, whatever it came in on. */
export interface Exchange {
  readonly caller: Caller;
  readonly project: Project;
  /** What the client speaks. */
  readonly era: Era;
  readonly params: Params;
  /** Length of the request as it came in. */
  readonly requestBytes: number;
  /** Aborted when the client no longer wants the answer. */
  readonly signal: AbortSignal;
  /** Passes a notification to the client before the answer. */
  readonly notify: (message: Uint8Array) => void;
  /** Absent when the client can be asked for nothing and wants no log messages, which is the rule. */
  readonly client: ClientSide | undefined;
}

/** Answers one method. Failures are thrown; whoever serves the client turns them into errors. */
export type Method = (exchange: Exchange) => UpstreamReply | Promise<UpstreamReply>;
