/**
 * The least that a proxy in Node can do: check the bearer, read the body, send it on with undici, pass the answer back.
 * Arguments: the address to forward to and the bearer. Prints its port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Dispatcher, Pool } from "undici";

const [target = "", bearer = ""] = process.argv.slice(2);
const pool = new Pool(target, { connections: 256 });
const PASSED_ON = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id"];

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  if (request.headers.authorization !== `Bearer ${bearer}`) return void response.writeHead(401).end();
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => forward(request, response, chunks));
});

function forward({ url = "/", headers }: IncomingMessage, response: ServerResponse, chunks: Buffer[]): void {
  const [only] = chunks;
  const passed: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = headers[name];
    if (typeof value === "string") passed[name] = value;
  }
  const body = chunks.length === 1 && only ? only : Buffer.concat(chunks);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, status, received) => {
      response.writeHead(status, {
        "content-type": String(received["content-type"]),
        "content-length": String(received["content-length"]),
      });
    },
    onResponseData: (_controller, chunk) => void response.write(chunk),
    onResponseEnd: () => void response.end(),
    onResponseError: () => void response.destroy(),
  };
  pool.dispatch({ path: url, method: "POST", headers: passed, body }, handler);
}

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : ""}\n`);
});
process.on("SIGTERM", () => process.exit());
