import { homedir } from "node:os";
import { basename, delimiter, dirname, relative } from "node:path";
import { configDirectory, stateDirectory } from "@mcpctl/shared/user-directories.ts";

/** What the environment says. Flags win over it. */
export interface CliConfig {
  server: string | undefined;
  token: string | undefined;
  /** Bearer for an MCP endpoint; never the one for mcpd, which strangers must not see. */
  mcpToken: string | undefined;
  project: string | undefined;
  /** Where the CLI keeps its own files. */
  directory: string;
  /** Where what the CLI starts for its user keeps its state. */
  stateDirectory: string;
  /** How this program was called, for commands that are printed to be copied. */
  cliCommand: string;
  /** What programs that are started get: the environment of this one, with its Node before others. */
  childEnvironment: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment; no other file does. An empty variable counts as absent. */
export function readConfig(script: string, env: Environment = process.env): CliConfig {
  return {
    server: env["MCPCTL_SERVER"] || undefined,
    token: env["MCPCTL_TOKEN"] || undefined,
    mcpToken: env["MCPCTL_MCP_TOKEN"] || undefined,
    project: env["MCPCTL_PROJECT"] || undefined,
    directory: configDirectory({ env, home: homedir() }),
    stateDirectory: stateDirectory({ env, home: homedir() }),
    cliCommand: cliCommandOf(script, env),
    childEnvironment: { ...env, PATH: [dirname(process.execPath), env["PATH"]].filter(Boolean).join(delimiter) },
  };
}

function cliCommandOf(script: string, env: Environment): string {
  const [, major] = /^pnpm\/(\d+)/.exec(env["npm_config_user_agent"] ?? "") ?? [];
  if (major !== undefined && env["npm_lifecycle_event"]) return `npx pnpm@${major} mcpctl`;
  return basename(script).startsWith("main.") ? `node ${relative(process.cwd(), script)}` : basename(script);
}
