import type { Permissions } from "@mcpctl/shared/api/contracts.ts";
import { usageError } from "../../args.ts";
import { defineCommand } from "../../command.ts";
import { formatTable } from "../../printers/table.ts";
import { formatRoleBinding } from "../rbac-bindings.ts";
import { asFlag, questionPositionals, toQuestion } from "./question.ts";

export const canICommand = defineCommand({
  description:
    "Prints yes or no, and exits with 0 or 1. With --list, prints every right with the definition it is from.",
  examples: [
    "mcpctl auth can-i create servers",
    "mcpctl auth can-i run logs --as User:alice@test.com",
    "mcpctl auth can-i --list",
  ],
  positionals: questionPositionals,
  flags: {
    as: asFlag,
    list: { type: "boolean", description: "List every right instead." },
  },

  async run({ io, api }, { list, ...input }) {
    if (!list) {
      const { allowed } = await (await api()).canI(toQuestion(input));
      io.out(allowed ? "yes" : "no");
      return allowed ? 0 : 1;
    }
    if (input.verb !== undefined) {
      throw usageError("--list takes no VERB", "Write: mcpctl auth can-i --list");
    }
    for (const line of toTable(await (await api()).permissions(input.as))) io.out(line);
    return 0;
  },
});

function toTable({ permissions, project }: Permissions): string[] {
  const own = project === undefined ? [] : [[`role:run,resource:projects,name:${project}`, "-", "its own project"]];
  const rows = permissions.map(({ definition, binding, limitedBy }) => [
    formatRoleBinding(binding),
    definition,
    limitedBy ?? "-",
  ]);
  return formatTable({ headers: ["Binding", "From", "Note"], rows: [...own, ...rows], hasHeaders: true });
}
