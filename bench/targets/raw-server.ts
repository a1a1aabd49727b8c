/**
 * An MCP server over HTTP that is as fast as a plain Node program can be: /modern speaks the stateless revision, /legacy
 * the one before it. Prints its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createAnswers, parseAsked } from "./mcp-answers.ts";

const answer = createAnswers(Number(process.argv[2] ?? 50));

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  if (request.method !== "POST") return void response.writeHead(405).end();
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => respond(request, response, Buffer.concat(chunks).toString()));
});

function respond({ url }: IncomingMessage, response: ServerResponse, body: string): void {
  const era = url === "/legacy" ? "legacy" : "modern";
  const asked = parseAsked(body);
  if (asked.id === undefined) return void response.writeHead(202, { "content-length": 0 }).end();
  const result = answer(asked, era);
  const outcome = result === undefined ? '"error":{"code":-32601,"message":"Method not found"}' : `"result":${result}`;
  const text = `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},${outcome}}`;
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : ""}\n`);
});
process.on("SIGTERM", () => process.exit());
