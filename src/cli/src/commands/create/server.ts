import { servers } from "@mcpctl/shared/kinds/servers.ts";
import { parseKeyValue, usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";

export const createServerCommand = defineCommand({
  description: "Give exactly one of --command, --npm and --url.",
  examples: [
    "mcpctl create server files --npm @modelcontextprotocol/server-filesystem --version 2026.8.31 --arg ./docs",
    "mcpctl create server notes --command node --arg ./server.js --env LOG_LEVEL=info",
    "mcpctl create server search --url https://mcp.example.com/mcp --header-secret X-Key=search/key",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the server." } },
  flags: {
    command: { type: "string", placeholder: "PROGRAM", description: "Program to run; it is not given to a shell." },
    npm: { type: "string", placeholder: "PACKAGE", description: "Package of the npm registry to run." },
    version: { type: "string", placeholder: "VERSION", description: "Exact version of the package." },
    url: { type: "string", placeholder: "URL", description: "Address of a server that speaks Streamable HTTP." },
    arg: { type: "strings", placeholder: "ARG", description: "Argument of the program. May be repeated." },
    env: { type: "strings", placeholder: "NAME=VALUE", description: "Environment variable. May be repeated." },
    header: {
      type: "strings",
      placeholder: "NAME=VALUE",
      description: "HTTP header sent to the URL. May be repeated.",
    },
    envSecret: {
      type: "strings",
      placeholder: "NAME=SECRET/KEY",
      description: "Environment variable whose value is in a Secret. May be repeated.",
    },
    headerSecret: {
      type: "strings",
      placeholder: "NAME=SECRET/KEY",
      description: "HTTP header whose value is in a Secret. May be repeated.",
    },
    replicas: { type: "integer", placeholder: "N", minimum: 0, description: "Copies that run; 0 stops the server." },
  },

  async run(context, { name, command, npm, version, url, arg, env, header, envSecret, headerSecret, replicas }) {
    if ([command, npm, url].filter((form) => form !== undefined).length !== 1) {
      throw usageError("A server needs exactly one of --command, --npm and --url", "See: mcpctl create server --help");
    }
    if ((npm === undefined) !== (version === undefined)) {
      throw usageError("--npm and --version go together", "For example: --npm PACKAGE --version 1.2.3");
    }
    const spec = {
      command,
      package: npm === undefined ? undefined : { npm, version },
      url,
      args: arg,
      env: [
        ...env.map((pair) => parseKeyValue(pair, "--env")),
        ...envSecret.map((pair) => parseSecretRef(pair, "--env-secret")),
      ],
      headers: [
        ...header.map((pair) => parseKeyValue(pair, "--header")),
        ...headerSecret.map((pair) => parseSecretRef(pair, "--header-secret")),
      ],
      replicas,
    };
    await createObject(context, { kind: servers, name, spec });
  },
});

function parseSecretRef(text: string, flag: string) {
  const { name, value } = parseKeyValue(text, flag);
  const [secret = "", key = "", ...rest] = value.split("/");
  if (secret !== "" && key !== "" && rest.length === 0) return { name, secretRef: { name: secret, key } };
  throw usageError(`${flag} needs NAME=SECRET/KEY`, `For example: ${flag} API_KEY=files/api-key`);
}
