import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toHeaderBlock } from "../../../src/http1/header-block.ts";
import { HttpServer } from "../../../src/http1/server/http-server.ts";

/** A request as a server has understood it. */
interface Understood {
  method: string;
  target: string;
  secret: string | undefined;
  body: string;
}

interface Reader {
  port: number;
  seen: Understood[];
  close(): unknown;
}

async function startOurs(): Promise<Reader> {
  const seen: Understood[] = [];
  const server = new HttpServer({
    timeouts: { headersMs: 5_000, bodyMs: 5_000, checkIntervalMs: 1_000, silenceMs: 5_000 },
    onConnection() {},
    onUnreadable() {},
    onExchange(exchange) {
      const { method, target, headers } = exchange;
      let body = "";
      exchange.receive({
        onData: (chunk) => (body += chunk.toString("latin1")),
        onEnd() {
          seen.push({ method, target, secret: headers.get("x-secret"), body });
          exchange.sendText(200, toHeaderBlock({}), "");
        },
        onLost() {},
      });
    },
  });
  return { port: (await server.listen("127.0.0.1", 0)).port, seen, close: () => server.close(0) };
}

async function startNodes(): Promise<Reader> {
  const seen: Understood[] = [];
  const server = createServer({ joinDuplicateHeaders: true }, (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      seen.push({ method, target: url, secret: headers["x-secret"]?.toString(), body });
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, seen, close: () => server.close() };
}

/** Lets a server read bytes. @returns the requests that it saw in them. */
async function understand({ port, seen }: Reader, bytes: Buffer): Promise<Understood[]> {
  seen.length = 0;
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  socket.end(bytes);
  await once(socket, "close");
  return [...seen];
}

const requestLines = fc.constantFrom(
  "POST / HTTP/1.1",
  "POST /a?b=c HTTP/1.1",
  "POST  / HTTP/1.1",
  "POST / HTTP/1.1 ",
  "POST /\t HTTP/1.1",
  "POST /\u00e4 HTTP/1.1",
  "POST / HTTP/1.0",
  "POST /",
  "\r\nPOST / HTTP/1.1",
);
const headerLines = fc.constantFrom(
  "Content-Length: 5",
  "Content-Length:5\t",
  "Content-Length: 05",
  "Content-Length: +5",
  "Content-Length: 5, 5",
  "Content-Length: 5;a",
  "Content-Length : 5",
  "content-length: 16",
  "Transfer-Encoding: chunked",
  "transfer-encoding:  Chunked ",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, identity",
  "Transfer-Encoding: \u000bchunked",
  "Transfer-Encoding : chunked",
  "X-Secret: one",
  "x-secret:two",
  "X-Secret: a\r\n folded",
  "X-Secret: a\nContent-Length: 0",
  "X-Secret: a\rContent-Length: 0",
  "X-Secret: \u0000",
  "X-Secret\u0000: a",
  "X-Secret: \u00e4\u0080",
  "Connection: close",
  "Connection: keep-alive",
  "Host: another",
  "",
);
const bodies = fc.constantFrom(
  "hello",
  "",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\nX-Secret: late\r\n\r\n",
  "05\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "+5\r\nhello\r\n0\r\n\r\n",
  "FFFFFFFFF\r\nhello\r\n0\r\n\r\n",
);
const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const toText = ([line, headers, body]: [string, string[], string]) =>
  `${[line, "Host: x", ...headers].join("\r\n")}\r\n\r\n${body}`;
const plain = fc
  .tuple(
    fc.constantFrom("Content-Length: 5", "Transfer-Encoding: chunked"),
    fc.constantFrom("X-Secret: one", "x-secret:two", "Accept: */*"),
  )
  .map(([framing, header]) =>
    toText(["POST / HTTP/1.1", [framing, header], framing.startsWith("C") ? "hello" : "5;a=b\r\nhello\r\n0\r\n\r\n"]),
  );
const crooked = fc.tuple(requestLines, fc.array(headerLines, { maxLength: 4 }), bodies).map(toText);
const requests = fc.oneof(plain, crooked);
/** Any byte of a request put where another was. */
const slips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 2 });

let ours: Reader;
let nodes: Reader;

beforeAll(async () => {
  ours = await startOurs();
  nodes = await startNodes();
});

afterAll(async () => {
  await ours.close();
  nodes.close();
});

it("what is understood as a request, Node understands as the same one", async () => {
  let understood = 0;
  await fc.assert(
    fc.asyncProperty(requests, slips, async (text, changes) => {
      const bytes = Buffer.from(text + NEXT, "latin1");
      for (const [at, byte] of changes) bytes[at % (bytes.length - NEXT.length)] = byte;
      const seen = await understand(ours, bytes);
      understood += seen.length;
      const byNode = await understand(nodes, bytes);
      expect(byNode.slice(0, seen.length)).toEqual(seen);
    }),
    { numRuns: 1_500 },
  );
  // Or the test would be about refusals alone.
  expect(understood).toBeGreaterThan(500);
}, 60_000);
