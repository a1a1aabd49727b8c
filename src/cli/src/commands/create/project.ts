import { projects } from "@mcpctl/shared/kinds/projects.ts";
import { usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { createObject } from "../../create-object.ts";

export const createProjectCommand = defineCommand({
  description: "--server names a server of the project here; the address of mcpd goes before the word create.",
  examples: [
    "mcpctl create project demo --server files --server search",
    "mcpctl create project plain --server files --naming transparent",
    "mcpctl --server https://mcpctl.example.com create project demo --server files",
  ],
  positionals: { name: { label: "NAME", required: true, description: "Name of the project." } },
  flags: {
    server: { type: "strings", placeholder: "SERVER", description: "Server whose tools it offers. May be repeated." },
    naming: {
      type: "choice",
      choices: ["prefix", "transparent"],
      description: "prefix: tools are called <server>__<tool>. transparent: they keep their names.",
    },
  },

  async run(context, { name, server, naming }) {
    const address = server.find((word) => word.includes("://"));
    if (address !== undefined) {
      throw usageError(
        `--server "${address}" is an address; here it names a server of the project`,
        `Put the address first: mcpctl --server ${address} create project ${name}`,
      );
    }
    await createObject(context, { kind: projects, name, spec: { servers: server, naming } });
  },
});
