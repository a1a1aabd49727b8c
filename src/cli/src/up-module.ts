/** Where `mcpctl up` prints; a part of the CLI's own `Io`. */
export interface UpIo {
  out(line: string): void;
  err(line: string): void;
  isTty: boolean;
}

export interface UpOptions {
  dataDir?: string;
  /** HOST:PORT of the control plane. */
  listen?: string;
  /** HOST:PORT of the gateway. */
  gatewayListen?: string;
  databaseUrl?: string;
  output: "text" | "json";
  io: UpIo;
  /** Aborted by Ctrl-C: stop everything, then return. */
  signal: AbortSignal;
  /** How to call this CLI in commands that are printed to be copied. */
  cliCommand: string;
}

/** Loads the composition root, which pulls in both servers; only `mcpctl up` may pay for that. */
export type LoadUp = () => Promise<{ runUp(options: UpOptions): Promise<number> }>;

export interface McpOptions {
  mcpdUrl: string;
  /** That of the token when absent. */
  project: string | undefined;
  /** The bearer as of now. */
  credential(): Promise<string>;
  stateDir: string;
  graceSeconds: number;
  logLevel: "warn";
}

/** Loads the gateway, which only `mcpctl mcp` may pay for, and runs it. @returns the exit code. */
export type RunMcp = (options: McpOptions) => Promise<number>;
