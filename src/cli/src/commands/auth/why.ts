import { defineCommand } from "../../command.ts";
import { asFlag, questionPositionals, toQuestion } from "./question.ts";

export const whyCommand = defineCommand({
  description:
    "Prints the definition and the binding that allow it; or that none does; or, for a token, what its creator lacks. " +
    "Exits with 1 when it is not allowed.",
  examples: ["mcpctl auth why update servers files", "mcpctl auth why run logs --as McpToken:demo/agent"],
  positionals: questionPositionals,
  flags: { as: asFlag },

  async run({ io, api }, input) {
    const { principal, allowed, by } = await (await api()).canI(toQuestion(input));
    io.out(`${principal} ${allowed ? "may" : "may not"}: ${by}`);
    return allowed ? 0 : 1;
  },
});
