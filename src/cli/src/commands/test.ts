import type { AnyCommand } from "../command.ts";

export const testCommand: AnyCommand = {
  examples: ["mcpctl test mcp https://mcp.example.com/mcp", "mcpctl test mcp http://127.0.0.1:7420/mcp -p demo"],
  positionals: {},
  flags: {},
  subcommands: [
    {
      name: "mcp",
      group: "Commands",
      summary: "Test an MCP endpoint over Streamable HTTP by the rules of MCP",
      load: async () => (await import("./test/mcp.ts")).testMcpCommand,
    },
  ],
};
