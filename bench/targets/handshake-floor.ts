/**
 * The least that it takes to start stdio servers: spawns a script several times and shakes hands with each. Arguments:
 * the script and how many. Prints a line when all have answered.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { INITIALIZE } from "../load/mcp-requests.ts";

const [script = "", count = "1"] = process.argv.slice(2);

async function greet(index: number) {
  const child = spawn(process.execPath, [script, `echo-${index}`], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, ...INITIALIZE })}\n`);
  await once(createInterface({ input: child.stdout }), "line");
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
  return child;
}

const children = await Promise.all([...Array(Number(count)).keys()].map(greet));
process.stdout.write("done\n");
for (const child of children) child.stdin.end();
