/**
 * Clients that a gateway must bear: KIND PORT TOKEN. Prints "ready" when they are at it, and goes on until it is ended.
 * They are a process of their own, so that they take no time from the one that measures.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpConnection } from "../load/http-connection.ts";
import { type Endpoint, nextId, prepareRequest } from "../load/mcp-requests.ts";

const [kind = "", port = "", bearer = ""] = process.argv.slice(2);
const endpoint: Endpoint = { port: Number(port), path: "/mcp", era: "modern", bearer };
const HEAD = `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${bearer}\r\ncontent-type: application/json\r\n`;
const SETTLE_MS = 3_000;
const TRICKLE_MS = 500;
const LARGE_BYTES = 4_000_000;
const DEEP_LEVELS = 500_000;

const KINDS: Record<string, () => Promise<unknown>> = {
  "hung-calls": () => times(200, hang),
  "idle-connections": () => times(1_000, open),
  "slow-heads": () => times(200, () => trickle("POST /mcp HTTP/1.1\r\nhost: localhost\r\nx-slow: ")),
  "slow-bodies": () => times(200, () => trickle(`${HEAD}content-length: 100000\r\n\r\n`)),
  "large-bodies": () => times(2, () => repeat(callWith("x".repeat(LARGE_BYTES)))),
  "deep-json": () => times(2, () => repeat(() => post(`${"[".repeat(DEEP_LEVELS)}${"]".repeat(DEEP_LEVELS)}`))),
  "unread-answers": () => times(50, askWithoutReading),
};

await KINDS[kind]?.();
// What they began with has arrived by then.
await sleep(SETTLE_MS);
process.stdout.write("ready\n");
process.on("SIGTERM", () => process.exit());

function times(count: number, work: () => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, work));
}

async function hang(): Promise<void> {
  const connection = await HttpConnection.open(endpoint.port);
  const message = { method: "tools/call", params: { name: "other__hang", arguments: {} } };
  connection.exchange(prepareRequest(endpoint, message)(nextId())).catch(() => {});
}

async function open(): Promise<Socket> {
  const socket = connect(endpoint.port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.on("error", () => {});
  return socket;
}

/** Begins anew when the gateway has had enough. */
async function trickle(beginning: string): Promise<void> {
  const socket = await open();
  socket.resume();
  socket.write(beginning);
  const timer = setInterval(() => void (socket.writable && socket.write("x")), TRICKLE_MS);
  socket.once("close", () => {
    clearInterval(timer);
    void trickle(beginning);
  });
}

async function askWithoutReading(): Promise<void> {
  const socket = await open();
  const message = { method: "tools/call", params: { name: "raw__echo", arguments: { bytes: LARGE_BYTES } } };
  socket.pause();
  socket.write(prepareRequest(endpoint, message)(nextId()));
}

function callWith(message: string): (id: number) => string {
  return prepareRequest(endpoint, {
    method: "tools/call",
    params: { name: "other__echo", arguments: { message } },
  });
}

function post(body: string): string {
  return `${HEAD}content-length: ${body.length}\r\n\r\n${body}`;
}

/** One request after the other; a refused one costs the connection. */
async function repeat(request: (id: number) => string): Promise<void> {
  const next = async (): Promise<void> => {
    const connection = await HttpConnection.open(endpoint.port);
    try {
      for (;;) await connection.exchange(request(nextId()));
    } finally {
      connection.close();
    }
  };
  const goOn = (): void => void next().catch(() => setTimeout(goOn, 10));
  goOn();
}
