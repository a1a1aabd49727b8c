import { projectFlag } from "../args.ts";
import { defineCommand } from "../command.ts";

const GRACE_SECONDS = 30;

export const mcpCommand = defineCommand({
  description:
    "For clients that start their MCP servers themselves; in Claude Code: claude mcp add demo -- mcpctl mcp -p demo. " +
    "Standard input and output speak MCP, in every revision; what there is to say otherwise goes to standard error. It " +
    "uses your login, also a later one, goes on when mcpd is started anew, and ends with the client.",
  examples: ["mcpctl mcp -p demo", "mcpctl mcp"],
  positionals: {},
  flags: {
    project: { ...projectFlag, description: "Project to serve (default: $MCPCTL_PROJECT, or that of a token)." },
  },

  async run({ server, bearer, config, runMcp }, { project = config.project }) {
    return runMcp({
      mcpdUrl: await server(),
      project,
      credential: bearer,
      stateDir: config.stateDirectory,
      graceSeconds: GRACE_SECONDS,
      logLevel: "warn",
    });
  },
});
