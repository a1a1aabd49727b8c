/** The same server over stdio. Arguments: how many tools, and the era. */
import { createAnswers, parseAsked } from "./mcp-answers.ts";

const answer = createAnswers(Number(process.argv[2] ?? 50));
const era = process.argv[3] === "modern" ? "modern" : "legacy";
let rest = "";

// Whole chunks instead of node:readline: what is measured is what stands in front of this server.
process.stdin.setEncoding("utf8").on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  const answers = lines.map(respond).filter((line) => line !== "");
  if (answers.length > 0) process.stdout.write(answers.join(""));
});

function respond(line: string): string {
  const asked = parseAsked(line);
  if (asked.id === undefined) return "";
  const result = answer(asked, era);
  const outcome = result === undefined ? '"error":{"code":-32601,"message":"Method not found"}' : `"result":${result}`;
  return `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},${outcome}}\n`;
}
