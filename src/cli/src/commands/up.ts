import { defineCommand } from "../command.ts";

const address = { type: "string", placeholder: "HOST:PORT" } as const;

export const upCommand = defineCommand({
  description:
    "Starts mcpd and its gateway in one process with an embedded database, calls a tool through them, and prints " +
    "the endpoint, a token and the configuration of a client. Ctrl-C stops everything.",
  examples: ["mcpctl up", "mcpctl up --data-dir ./data --listen 127.0.0.1:7500", "mcpctl up -o json"],
  positionals: {},
  flags: {
    dataDir: { type: "string", placeholder: "DIR", description: "Directory of the embedded database and of packages." },
    listen: { ...address, description: "Address of the REST API (default: 127.0.0.1:7400)." },
    gatewayListen: { ...address, description: "Address of the MCP gateway (default: 127.0.0.1:7420)." },
    databaseUrl: {
      type: "string",
      placeholder: "URL",
      description: "PostgreSQL to use instead of the embedded database.",
    },
    output: {
      type: "choice",
      short: "o",
      choices: ["text", "json"],
      default: "text",
      description: "Form of the report.",
    },
  },

  async run({ io, signal, config, loadUp }, { dataDir, listen, gatewayListen, databaseUrl, output }) {
    const { runUp } = await loadUp();
    return runUp({
      ...(dataDir !== undefined && { dataDir }),
      ...(listen !== undefined && { listen }),
      ...(gatewayListen !== undefined && { gatewayListen }),
      ...(databaseUrl !== undefined && { databaseUrl }),
      output,
      io,
      signal,
      cliCommand: config.cliCommand,
    });
  },
});
