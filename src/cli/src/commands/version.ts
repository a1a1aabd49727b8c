import { McpctlError } from "@mcpctl/shared/errors.ts";
import { VERSION } from "@mcpctl/shared/version.ts";
import { textOrJsonFlag } from "../args.ts";
import { defineCommand } from "../command.ts";

export const versionCommand = defineCommand({
  examples: ["mcpctl version", "mcpctl version --client", "mcpctl version -o json"],
  positionals: {},
  flags: {
    client: { type: "boolean", description: "Only the version of mcpctl; mcpd is not asked." },
    output: textOrJsonFlag,
  },

  async run({ io, server, apiWith, report }, { client, output }) {
    const mcpctl = { version: VERSION };
    const url = await server();
    let code = 0;
    const mcpd = client ? undefined : await ask();
    if (output === "json") io.out(JSON.stringify({ client: mcpctl, ...(mcpd && { server: mcpd }) }));
    else {
      io.out(`Client: ${mcpctl.version}`);
      if (mcpd) io.out(`Server: ${mcpd.version} (${mcpd.url})`);
    }
    return code;

    async function ask() {
      try {
        return { ...(await (await apiWith(undefined)).version()), url };
      } catch (thrown) {
        if (!(thrown instanceof McpctlError)) throw thrown;
        code = report(thrown);
        return undefined;
      }
    }
  },
});
