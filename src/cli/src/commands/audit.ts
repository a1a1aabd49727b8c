import type { AuditReport } from "@mcpctl/shared/api/audit-calls.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { textOrJsonFlag } from "../args.ts";
import { type AnyCommand, defineCommand } from "../command.ts";
import { toJson } from "../printers/objects.ts";

const verifyCommand = defineCommand({
  description:
    "Goes through every row and every checkpoint, and compares them with the file that mcpd keeps outside the " +
    "database. Exits with 8 when something is not as it was written.",
  examples: ["mcpctl audit verify", "mcpctl audit verify -o json"],
  positionals: {},
  flags: {
    output: textOrJsonFlag,
  },

  async run({ io, api }, { output }) {
    const report = await (await api()).verifyAudit();
    if (output === "json") io.out(toJson({ isWhole: report.bad === undefined, ...report }));
    if (report.bad) throw broken(report, report.bad);
    if (output === "text") io.out(wholeText(report));
  },
});

function wholeText({ rows, checkpoints, outside }: AuditReport): string {
  const signed = checkpoints === 0 ? "no checkpoint yet" : `${checkpoints} checkpoints, ${outside} of them outside too`;
  return `The audit trail is whole: ${rows} rows, ${signed}`;
}

function broken({ rows }: AuditReport, { seq, fault, message, time }: NonNullable<AuditReport["bad"]>): McpctlError {
  const upTo = time === undefined ? "" : `; the last good row is of ${time}`;
  return new McpctlError("audit-broken", `The audit trail is not whole at row ${seq} (${fault}): ${message}`, {
    hint: `${rows} rows before it are as they were written${upTo}. Keep the database and mcpd's data directory as they are, and compare with a backup`,
  });
}

export const auditCommand: AnyCommand = {
  examples: ["mcpctl audit verify", "mcpctl get audit --since 1h"],
  positionals: {},
  flags: {},
  subcommands: [
    {
      name: "verify",
      group: "Commands",
      summary: "Find the first row that is not as it was written",
      load: async () => verifyCommand,
    },
  ],
};
