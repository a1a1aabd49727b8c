/**
 * A stdio server that fails in the way that is named: `hang-at-initialize` and `hang-at-list` answer all that comes
 * before. Without a name it answers everything, but some of its tools do not.
 */
import { createInterface } from "node:readline";
import { type Asked, parseAsked } from "./mcp-answers.ts";

const fault = process.argv[2];

const TOOLS = ["echo", "hang", "crash"].map((name) => ({ name, inputSchema: { type: "object" } }));

createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = parseAsked(line);
  if (asked.id === undefined || isSilentAt(asked)) return;
  const result = answer(asked);
  const outcome = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: asked.id, ...outcome })}\n`);
});

function isSilentAt({ method, params }: Asked): boolean {
  if (fault === "hang-at-initialize") return true;
  if (fault === "hang-at-list" && method === "tools/list") return true;
  return method === "tools/call" && params?.name === "hang";
}

function answer({ method, params }: Asked): object | undefined {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "faulty", version: "1" },
      };
    case "tools/list":
      return { tools: TOOLS };
    case "tools/call":
      if (params?.name === "crash") process.exit(1);
      // The message is not sent back: what clients send can be large.
      return { content: [{ type: "text", text: "done" }] };
    default:
      return undefined;
  }
}
