import { parseTtl } from "@mcpctl/shared/duration.ts";
import { mcpTokens } from "@mcpctl/shared/kinds/mcp-tokens.ts";
import { projectFlag, requireProject } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { toManifest } from "../../create-object.ts";

export const createMcpTokenCommand = defineCommand({
  description:
    "Prints the token alone on standard output, this once: mcpd keeps only its hash. " +
    "The token opens the MCP endpoint of its project and nothing else.",
  examples: ["mcpctl create mcptoken agent -p demo --ttl 30d", "TOKEN=$(mcpctl create mcptoken ci -p demo)"],
  positionals: { name: { label: "NAME", required: true, description: "Name of the token, unique in its project." } },
  flags: {
    project: projectFlag,
    ttl: { type: "string", placeholder: "30d|never|TIME", description: "When it ends (default: never)." },
    rbac: {
      type: "choice",
      choices: ["empty"],
      default: "empty",
      description: "Rights besides its project's endpoint.",
    },
  },

  async run({ io, api, config }, { name, project, ttl, rbac }) {
    if (ttl !== undefined) parseTtl(ttl);
    const owner = requireProject(project ?? config.project, mcpTokens.singular);
    const manifest = toManifest({ kind: mcpTokens, name, project: owner, spec: { ttl, rbac } });
    const { resource, token } = await (await api()).createMcpToken(manifest);
    const end = resource.status?.expiresAt;
    io.err(
      `mcptoken/${name} created in project ${owner}; it ${end === undefined ? "does not expire" : `ends at ${end}`}.`,
    );
    io.err("This is the only time that it is shown:");
    io.out(token);
  },
});
