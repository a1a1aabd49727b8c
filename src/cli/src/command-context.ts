import type { ApiClient } from "@mcpctl/shared/api/client.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { CliConfig } from "./config.ts";
import type { Credentials } from "./credentials.ts";
import type { Io } from "./io.ts";
import { type ErrorStyle, printError } from "./print-error.ts";
import { DEFAULT_SERVER, parseServerUrl } from "./server-url.ts";
import type { LoadUp, RunMcp } from "./up-module.ts";

/** What the program is given by its entry file, or by a test. */
export interface CliDeps {
  io: Io;
  config: CliConfig;
  now(): Date;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  loadUp: LoadUp;
  /** Serves MCP on standard input and output, and ends the process when that is over. */
  runMcp: RunMcp;
  /** Tries to open a web address in the person's browser. */
  openBrowser(url: string): Promise<void>;
}

/** What the flags that every command takes say. */
export interface GlobalInput {
  server: string | undefined;
}

/** What a command may touch. Everything that costs start-up time is loaded when it is asked for. */
export interface CommandContext extends CliDeps {
  /** Address of mcpd: flag, environment, last login, default. */
  server(): Promise<string>;
  /** MCPCTL_TOKEN or the session, as of now. @throws {McpctlError} `unauthenticated` when there is neither. */
  bearer(): Promise<string>;
  /**
   * @param limit - ends its requests; Ctrl-C when absent.
   * @throws {McpctlError} `unauthenticated`
   */
  api(limit?: AbortSignal): Promise<ApiClient>;
  /** A client that has no credentials, or the given one. */
  apiWith(token: string | undefined, limit?: AbortSignal): Promise<ApiClient>;
  credentials(): Promise<Credentials>;
  /** Prints an error after which the command goes on. @returns its exit code. */
  report(thrown: unknown, about?: string): number;
}

export function createCommandContext(deps: CliDeps, globals: GlobalInput, style: ErrorStyle): CommandContext {
  const { config, signal, io } = deps;

  async function credentials(): Promise<Credentials> {
    const { createCredentials } = await import("./credentials.ts");
    return createCredentials(config.directory);
  }
  async function server(): Promise<string> {
    if (globals.server !== undefined) return parseServerUrl(globals.server, "--server");
    if (config.server !== undefined) return parseServerUrl(config.server, "MCPCTL_SERVER");
    return (await (await credentials()).findCurrentServer()) ?? DEFAULT_SERVER;
  }
  async function apiWith(token: string | undefined, limit = signal): Promise<ApiClient> {
    const { createApiClient } = await import("@mcpctl/shared/api/client.ts");
    return createApiClient({ baseUrl: await server(), token, signal: limit });
  }
  async function bearer(): Promise<string> {
    const baseUrl = await server();
    const token = config.token ?? (await (await credentials()).find(baseUrl))?.token;
    if (token !== undefined) return token;
    throw new McpctlError("unauthenticated", `Not logged in to ${baseUrl}`, { hint: "Log in with: mcpctl login" });
  }
  return {
    ...deps,
    server,
    bearer,
    api: async (limit) => apiWith(await bearer(), limit),
    apiWith,
    credentials,
    report: (thrown, about) => printError(io, thrown, { ...style, about }),
  };
}
