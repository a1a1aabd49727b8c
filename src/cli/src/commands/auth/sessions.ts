import { textOrJsonFlag } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { toAge } from "../../printers/age.ts";
import { formatTable } from "../../printers/table.ts";
import { escapeUnprintable } from "../../printers/text.ts";

const HEADERS = ["Id", "Method", "From", "Opened", "Last used", "Expires", "Current"];

export const sessionsCommand = defineCommand({
  description: "Lists your own sessions, newest first. Ending one logs that machine out.",
  examples: [
    "mcpctl auth sessions",
    "mcpctl auth sessions -o json",
    "mcpctl auth sessions --end 6f1f0b9e-5d2c-4c5b-9f43-0a3d2c1b4e5f",
  ],
  positionals: {},
  flags: {
    end: { type: "strings", placeholder: "ID", description: "End this session instead of listing. May be repeated." },
    output: textOrJsonFlag,
  },

  async run({ io, api, now }, { end, output }) {
    const client = await api();
    for (const id of end) {
      await client.endSession(id);
      io.err(`Session ${id} ended`);
    }
    if (end.length > 0) return;
    const sessions = await client.listSessions();
    if (output === "json") return io.out(escapeUnprintable(JSON.stringify(sessions)));
    const rows = sessions.map(({ id, method, address, createdAt, lastUsedAt, expiresAt, isCurrent }) => [
      id,
      method,
      address,
      toAge(createdAt, now()),
      toAge(lastUsedAt, now()),
      toAge(expiresAt, now()),
      isCurrent ? "yes" : "",
    ]);
    for (const line of formatTable({ headers: HEADERS, rows, hasHeaders: true })) io.out(line);
  },
});
