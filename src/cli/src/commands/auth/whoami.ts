import { textOrJsonFlag } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { formatPairs } from "../../printers/table.ts";

export const whoamiCommand = defineCommand({
  examples: ["mcpctl auth whoami", "mcpctl auth whoami -o json"],
  positionals: {},
  flags: {
    output: textOrJsonFlag,
  },

  async run({ io, api, server }, { output }) {
    const me = await (await api()).whoami();
    if (output === "json") return io.out(JSON.stringify(me));
    const lines = formatPairs([
      ["Name", me.name],
      ["Kind", me.kind],
      ...(me.project === undefined ? [] : [["Project", me.project] as const]),
      ...(me.creator === undefined ? [] : [["Creator", me.creator] as const]),
      ["Groups", me.groups.join(", ") || "-"],
      ["Server", await server()],
    ]);
    for (const line of lines) io.out(line);
  },
});
