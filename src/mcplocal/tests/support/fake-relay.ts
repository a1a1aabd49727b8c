import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createInterface } from "node:readline";
import { RELAY_LINK } from "@mcpctl/shared/api/contracts.ts";
import { onTestFinished } from "vitest";

type Message = Record<string, unknown> & { id?: number; method?: string };

export interface FakeRelayOptions {
  port?: number;
  /** Answers a request on a link; a value is the result, and nothing is no answer. */
  answer?: (message: Message, send: (message: object) => void) => unknown;
  /** Answers a request that is not to become a link. */
  refuse?: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface FakeRelay {
  url: URL;
  port: number;
  /** Headers of every request to become a link. */
  dials: IncomingMessage["headers"][];
  /** What came over all links. */
  received: Message[];
  links: Set<Socket>;
  options: FakeRelayOptions;
  close(): void;
}

const INITIALIZED = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: {} },
  serverInfo: { name: "fake", version: "1" },
};

/** An mcpd that knows nothing but links, to a server of the old era. */
export async function startFakeRelay(options: FakeRelayOptions = {}): Promise<FakeRelay> {
  const server = createServer((request, response) => {
    relay.dials.push(request.headers);
    relay.options.refuse?.(request, response);
  });
  const relay: FakeRelay = {
    url: new URL("http://127.0.0.1"),
    port: 0,
    dials: [],
    received: [],
    links: new Set(),
    options,
    close() {
      server.close();
      server.closeAllConnections();
      for (const link of relay.links) link.destroy();
    },
  };
  if (!options.refuse) server.on("upgrade", (request) => begin(relay, request));
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  relay.port = (server.address() as AddressInfo).port;
  relay.url = new URL(`http://127.0.0.1:${relay.port}/relay`);
  onTestFinished(() => relay.close());
  return relay;
}

function begin(relay: FakeRelay, { socket, headers }: IncomingMessage): void {
  relay.dials.push(headers);
  relay.links.add(socket);
  socket.on("error", () => {}).on("end", () => socket.end());
  socket.on("close", () => relay.links.delete(socket));
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${RELAY_LINK}\r\n\r\n`);
  const send = (message: object) => void socket.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  createInterface({ input: socket }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    relay.received.push(message);
    if (message.id === undefined) return;
    const { id, method } = message;
    const own = relay.options.answer?.(message, send);
    if (own !== undefined) send({ id, ...(own as object) });
    else if (method === "initialize") send({ id, result: INITIALIZED });
    else if (method === "server/discover") send({ id, error: { code: -32601, message: "Method not found" } });
    else if (method === "tools/call" && message["params"]) echo(message, send);
  });
}

function echo({ id, params }: Message, send: (message: object) => void): void {
  if ((params as { name: string }).name !== "hang") send({ id, result: params });
}
