import { filenameFlag, recursiveFlag } from "../args.ts";
import { type CommandEntry, defineCommand } from "../command.ts";

const GROUP = "Commands";

/** One per kind that is worth flags of its own. Their aliases are the words of the kind. */
const SUBCOMMANDS: readonly CommandEntry[] = [
  {
    name: "server",
    aliases: ["servers", "srv"],
    group: GROUP,
    summary: "Create an MCP server",
    load: async () => (await import("./create/server.ts")).createServerCommand,
  },
  {
    name: "project",
    aliases: ["projects", "proj"],
    group: GROUP,
    summary: "Create a project",
    load: async () => (await import("./create/project.ts")).createProjectCommand,
  },
  {
    name: "mcptoken",
    aliases: ["mcptokens", "token", "tokens"],
    group: GROUP,
    summary: "Create a bearer token for a project",
    load: async () => (await import("./create/mcp-token.ts")).createMcpTokenCommand,
  },
  {
    name: "secret",
    aliases: ["secrets"],
    group: GROUP,
    summary: "Create a secret for servers",
    load: async () => (await import("./create/secret.ts")).createSecretCommand,
  },
  {
    name: "gateway",
    aliases: ["gateways", "gw"],
    group: GROUP,
    summary: "Create a gateway and its credential",
    load: async () => (await import("./create/gateway.ts")).createGatewayCommand,
  },
  {
    name: "user",
    aliases: ["users"],
    group: GROUP,
    summary: "Create a user",
    load: async () => (await import("./create/user.ts")).createUserCommand,
  },
  {
    name: "group",
    aliases: ["groups"],
    group: GROUP,
    summary: "Create a group of users",
    load: async () => (await import("./create/group.ts")).createGroupCommand,
  },
  {
    name: "rbac",
    aliases: ["rbacdefinition", "rbacdefinitions"],
    group: GROUP,
    summary: "Grant roles to users, groups and tokens",
    load: async () => (await import("./create/rbac.ts")).createRbacCommand,
  },
];

export const createCommand = defineCommand({
  description: "Fails for an object that exists already; apply changes those.",
  examples: [
    "mcpctl create -f servers.yaml",
    "mcpctl create server files --npm @modelcontextprotocol/server-filesystem --version 2026.8.31 --arg ./docs",
    "mcpctl create mcptoken agent -p demo --ttl 30d",
  ],
  positionals: {},
  flags: { filename: filenameFlag, recursive: recursiveFlag },
  subcommands: SUBCOMMANDS,

  async run(context, { filename, recursive }) {
    const { createFromFiles } = await import("../create-from-files.ts");
    return createFromFiles(context, { files: filename, isRecursive: recursive });
  },
});
