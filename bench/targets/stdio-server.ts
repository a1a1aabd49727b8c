/** The same server over stdio. */
import { createInterface } from "node:readline";
import { createAnswers, parseAsked } from "./mcp-answers.ts";

const answer = createAnswers(Number(process.argv[2] ?? 50));
let batch = "";

createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = parseAsked(line);
  if (asked.id === undefined) return;
  const result = answer(asked, process.argv[3] === "modern" ? "modern" : "legacy");
  const outcome = result === undefined ? '"error":{"code":-32601,"message":"Method not found"}' : `"result":${result}`;
  if (batch === "") setImmediate(flush);
  batch += `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},${outcome}}\n`;
});

function flush(): void {
  process.stdout.write(batch);
  batch = "";
}
