/** Starts a stdio server several times and shakes hands with each: `node bench/start-up-floor.ts SCRIPT COUNT`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const [script = "", count = "1"] = process.argv.slice(2);
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "floor", version: "1" } },
};
const INITIALIZED = { jsonrpc: "2.0", method: "notifications/initialized" };

async function greet(index: number) {
  const child = spawn(process.execPath, [script, `echo-${index}`], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.write(`${JSON.stringify(INITIALIZE)}\n`);
  await once(createInterface({ input: child.stdout }), "line");
  child.stdin.write(`${JSON.stringify(INITIALIZED)}\n`);
  return child;
}

const children = await Promise.all([...Array(Number(count)).keys()].map(greet));
process.stdout.write("done\n");
for (const child of children) child.stdin.end();
