import { mcpTokens } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import { projectFlag, requireProject } from "../args.ts";
import { type AnyCommand, defineCommand } from "../command.ts";
import { forEachObject } from "../for-each-object.ts";

const revokeMcpTokenCommand = defineCommand({
  description:
    "The token stops working at every gateway within seconds; the object stays, so that its use can be traced.",
  examples: ["mcpctl revoke mcptoken agent -p demo"],
  positionals: {
    names: { label: "NAME...", required: true, variadic: true, description: "Names of the tokens." },
  },
  flags: { project: projectFlag },

  async run(context, { names, project }) {
    const owner = requireProject(project ?? context.config.project, mcpTokens.singular);
    const api = await context.api();
    const tokens = names.map((name) => ({ kind: mcpTokens, name }));
    return forEachObject(context, tokens, async ({ name }) => {
      await api.revokeMcpToken({ name, project: owner });
      return "revoked";
    });
  },
});

export const revokeCommand: AnyCommand = {
  examples: ["mcpctl revoke mcptoken agent -p demo"],
  positionals: {},
  flags: {},
  subcommands: [
    {
      name: "mcptoken",
      aliases: ["mcptokens", "token", "tokens"],
      group: "Commands",
      summary: "End tokens of a project",
      load: async () => revokeMcpTokenCommand,
    },
  ],
};
