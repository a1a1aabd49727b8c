import type { Liveness } from "./liveness.ts";
import type { InstanceStatus } from "@mcpctl/shared/kinds/instances.ts";
import type { Upstream, UpstreamIdentity } from "@mcpctl/shared/mcp/upstream.ts";

/** Everything that one copy of a server needs to run; all values are resolved. */
export interface InstanceLaunch {
  /** Unique among the instances of an orchestrator. */
  name: string;
  server: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Values that must not show in messages and logs, should the server print them. */
  secretValues?: readonly string[] | undefined;
  startTimeoutSeconds: number;
  timeoutSeconds: number;
  /** Where it differs from what is usual. */
  liveness?: Partial<Liveness> | undefined;
}

/** What is known of an instance now. `identity` and `toolCount` are those of the last handshake that succeeded. */
export interface InstanceState {
  phase: InstanceStatus["phase"];
  message?: string | undefined;
  pid?: number | undefined;
  restarts: number;
  startedAt?: string | undefined;
  lastExit?: InstanceStatus["lastExit"];
  identity?: UpstreamIdentity | undefined;
  toolCount?: number | undefined;
}

/** What an instance has to do now, and how it has fared since it was first started. */
export interface InstanceLoad {
  /** Requests that the process has not answered yet. */
  requestsInFlight: number;
  /** Bytes of requests that the process has not read yet. */
  unsentBytes: number;
  /** Requests that were not answered within their limit. */
  timeouts: number;
  restarts: number;
}

/** One running copy of a server. It restarts by itself until it is stopped. */
export interface RunningInstance {
  readonly name: string;
  readonly state: InstanceState;
  readonly load: InstanceLoad;
  /** Stays the same across restarts. Closing it changes nothing: the connection ends with the instance. */
  readonly upstream: Upstream;
  /** The end of what the server wrote to stderr, oldest first, free of control characters; empty when it wrote nothing. */
  stderrTail(): string;
  /** Ends the process and starts it anew, whatever the back-off says. Resolves when the old one is gone. */
  restart(): Promise<void>;
  /** Ends the process for good, with everything that it started. */
  stop(): Promise<void>;
}

/** Runs servers in one way: as processes, containers or pods. Disposing of it stops all instances. */
export interface Orchestrator extends AsyncDisposable {
  /**
   * Starts an instance; `onState` is called with every later state. What fails shows in the state.
   *
   * @throws {McpctlError} `conflict` when an instance of this name runs already.
   */
  start(launch: InstanceLaunch, onState: (state: InstanceState) => void): RunningInstance;
  /** Ends what an earlier life of this mcpd left running. @returns how many processes it found. */
  sweep(): Promise<number>;
}
