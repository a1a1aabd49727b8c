import { gateways } from "@mcpctl/shared/kinds/gateways.ts";
import { defineCommand } from "../../command.ts";
import { toManifest } from "../../create-object.ts";

export const createGatewayCommand = defineCommand({
  description:
    "Prints the credential alone on standard output, this once: mcpd keeps only its hash. It lets a gateway look " +
    "projects up and carry their calls, with the credentials of remote servers. Deleting the gateway revokes it.",
  examples: ["mcpctl create gateway edge > edge.credential", "mcpctl create gw home --description kitchen"],
  positionals: { name: { label: "NAME", required: true, description: "Name of the gateway." } },
  flags: { description: { type: "string", placeholder: "TEXT", description: "Shown to people." } },

  async run({ io, api }, { name, description }) {
    const manifest = toManifest({ kind: gateways, name, spec: { description } });
    const { token } = await (await api()).createGateway(manifest);
    io.err(`gateway/${name} created. This is the only time that its credential is shown:`);
    io.out(token);
  },
});
