import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { toHeaderBlock } from "../../../src/http1/header-block.ts";
import { HttpServer, type HttpTimeouts } from "../../../src/http1/server/http-server.ts";
import type { ServerExchange } from "../../../src/http1/server/server-exchange.ts";

const TEXT = toHeaderBlock({ "content-type": "text/plain" });
const PATIENT: HttpTimeouts = { headersMs: 5_000, bodyMs: 5_000, checkIntervalMs: 50, silenceMs: 60_000 };

interface Served {
  server: HttpServer;
  port: number;
  /** Opens a connection. @returns it, and what has come over it so far. */
  open(): Promise<{ socket: Socket; heard(): string }>;
  /** Codes of what could not be read. */
  unreadable: string[];
}

async function serve(
  onExchange: (exchange: ServerExchange) => void,
  timeouts: Partial<HttpTimeouts> = {},
): Promise<Served> {
  const unreadable: string[] = [];
  const server = new HttpServer({
    timeouts: { ...PATIENT, ...timeouts },
    onConnection() {},
    onExchange,
    onUnreadable: ({ code }) => unreadable.push(code),
  });
  const { port } = await server.listen("127.0.0.1", 0);
  onTestFinished(() => server.close(0));
  return {
    server,
    port,
    unreadable,
    async open() {
      const socket = connect(port, "127.0.0.1");
      let heard = "";
      socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
      socket.on("error", () => {});
      await once(socket, "connect");
      onTestFinished(() => void socket.destroy());
      return { socket, heard: () => heard };
    },
  };
}

/** Answers every request with its method, target and body. */
function echo(exchange: ServerExchange): void {
  let body = "";
  exchange.receive({
    onData: (chunk) => (body += chunk.toString("latin1")),
    onEnd: () => exchange.sendText(200, TEXT, `<${exchange.method} ${exchange.target} ${body}>`),
    onLost() {},
  });
}

/** Bodies of the answers of `echo`. */
function echoes(text: string): string[] {
  return [...text.matchAll(/<([^>]*)>/g)].map(([, body = ""]) => body);
}

const post = (body: string, extra = "") =>
  `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${extra}\r\n${body}`;
const CHUNKED = "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
const GET = "GET /c HTTP/1.1\r\nHost: x\r\n\r\n";

describe("a connection", () => {
  it("serves one request after the other, in their order, whatever they look like", async () => {
    const { open } = await serve(echo);
    const { socket, heard } = await open();
    socket.write(post("hello") + CHUNKED + GET);
    const expected = ["POST /a hello", "POST /b hello", "GET /c "];
    await vi.waitFor(() => expect(echoes(heard())).toEqual(expected));
    expect(heard().match(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\ncontent-length: 15\r\n/)).not.toBeNull();
    expect(heard()).toMatch(/\r\nconnection: keep-alive\r\nkeep-alive: timeout=65\r\ndate: [^\r]+ GMT\r\n\r\n/);
  });

  it("serves what comes byte by byte", async () => {
    const { open } = await serve(echo);
    const { socket, heard } = await open();
    socket.setNoDelay(true);
    for (const byte of post("hi") + CHUNKED) {
      socket.write(byte);
      await sleep(0);
    }
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["POST /a hi", "POST /b hello"]));
  });

  it("does not look at a request before the one in front of it has been answered", async () => {
    const waiting: ServerExchange[] = [];
    const { open } = await serve((exchange) => waiting.push(exchange));
    const { socket, heard } = await open();
    socket.write(GET.repeat(3));
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    await sleep(30);
    expect(waiting).toHaveLength(1);
    waiting[0]?.sendText(200, TEXT, "first");
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    waiting[0]?.sendText(200, TEXT, "again");
    waiting[1]?.sendText(200, TEXT, "second");
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    await vi.waitFor(() => expect(heard()).toMatch(/first[^]*second$/));
    expect(heard()).not.toContain("again");
  });

  it("does not keep much of what is sent ahead", async () => {
    const waiting: ServerExchange[] = [];
    const { open } = await serve((exchange) => waiting.push(exchange));
    const { socket } = await open();
    socket.write(GET);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    socket.write(GET.repeat(500_000));
    await sleep(300);
    expect(socket.writableLength).toBeGreaterThan(1_000_000);
    expect(waiting[0]?.socket.bytesRead).toBeLessThan(400_000);
  });

  it("serves thousands of requests that came at once", async () => {
    const { open } = await serve(echo);
    const { socket, heard } = await open();
    socket.write(GET.repeat(20_000));
    await vi.waitFor(() => expect(echoes(heard())).toHaveLength(20_000), { timeout: 20_000 });
  }, 30_000);

  it.each([
    ["asks for it", GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")],
    ["is of HTTP/1.0", "GET /c HTTP/1.0\r\n\r\n"],
  ])("ends after a request that %s", async (_, request) => {
    const { open } = await serve(echo);
    const { socket, heard } = await open();
    socket.write(request + GET);
    await once(socket, "close");
    expect(echoes(heard())).toEqual(["GET /c "]);
    expect(heard()).toContain("\r\nconnection: close\r\n");
  });

  it("gives HEAD the head alone", async () => {
    const { open } = await serve(echo);
    const { socket, heard } = await open();
    socket.write(GET.replace("GET", "HEAD") + GET);
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["GET /c "]));
    expect(heard().match(/content-length: \d+/g)).toEqual(["content-length: 10", "content-length: 9"]);
  });

  it("tells a client that waits to send its body", async () => {
    const { open } = await serve(echo);
    const { socket, heard } = await open();
    socket.write("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await vi.waitFor(() => expect(heard()).toBe("HTTP/1.1 100 Continue\r\n\r\n"));
    socket.write("hi");
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["POST /a hi"]));
  });

  it("ends when a body that was waited with is not wanted", async () => {
    const { open } = await serve((exchange) => exchange.sendText(401, TEXT, "no"));
    const { socket, heard } = await open();
    socket.write("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await once(socket, "close");
    expect(heard()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[^]*connection: close\r\n[^]*no$/);
  });

  it("goes on when a body that nobody wanted has run dry", async () => {
    const { open } = await serve((exchange) => exchange.sendText(401, TEXT, `<${exchange.target}>`));
    const { socket, heard } = await open();
    socket.write(`POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n`);
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["/a"]));
    socket.write(GET.repeat(200_000 / GET.length + 1).slice(0, 200_000) + GET);
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["/a", "/c"]));
  });

  it("keeps a body that comes before it is wanted", async () => {
    const { open } = await serve((exchange) => void sleep(30).then(() => echo(exchange)));
    const { socket, heard } = await open();
    socket.write(`${post("early")}${CHUNKED}`);
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["POST /a early", "POST /b hello"]));
  });

  it("tells when the client goes away", async () => {
    const seen: string[] = [];
    const { open } = await serve((exchange) => {
      exchange.onOver(() => seen.push("over"));
      exchange.signal.addEventListener("abort", () => seen.push("aborted"));
      exchange.receive({ onData() {}, onEnd: () => seen.push("end"), onLost: () => seen.push("lost") });
    });
    const whole = await open();
    whole.socket.write(post("hello"));
    await vi.waitFor(() => expect(seen).toEqual(["end"]));
    whole.socket.destroy();
    await vi.waitFor(() => expect(seen).toEqual(["end", "aborted", "over"]));
    const broken = await open();
    broken.socket.end(post("hello").slice(0, -1));
    await vi.waitFor(() => expect(seen.slice(3)).toEqual(["lost", "aborted", "over"]));
  });

  it("streams in chunks, and without them to HTTP/1.0", async () => {
    const { open } = await serve((exchange) => {
      exchange.beginStream(TEXT);
      exchange.write([Buffer.from("one"), Buffer.from("two")]);
      exchange.endStream();
      exchange.write([Buffer.from("late")]);
    });
    const recent = await open();
    recent.socket.write(GET + GET);
    const chunked = "transfer-encoding: chunked\r\n[^]*\r\n\r\n6\r\nonetwo\r\n0\r\n\r\n";
    await vi.waitFor(() => expect(recent.heard()).toMatch(new RegExp(`${chunked}[^]*${chunked}$`)));
    const old = await open();
    old.socket.write("GET / HTTP/1.0\r\n\r\n");
    await once(old.socket, "close");
    expect(old.heard()).toMatch(/\r\nconnection: close\r\n[^]*\r\n\r\nonetwo$/);
  });
});

describe("what is no request", () => {
  it.each([
    ["a malformed head", "GET / HTTP/1.1\r\n\r\n"],
    ["a head that cannot become one", "\u0016\u0003\u0001"],
    ["lines that end otherwise", "GET / HTTP/1.1\nHost: x\n\n"],
    ["a head without end", `GET / HTTP/1.1\r\nA: ${"x".repeat(17_000)}`],
    ["a malformed chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["a chunk that is too long", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"],
    [
      "trailers without end",
      `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"A: b\r\n".repeat(70)}\r\n`,
    ],
  ])("is answered once, and ends the connection: %s", async (_, text) => {
    const { open, unreadable } = await serve(echo);
    const { socket, heard } = await open();
    socket.write(text + GET, "latin1");
    await once(socket, "close");
    expect(heard().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
    expect(unreadable).toEqual(["bad-request"]);
  });

  it("does not break into an answer that has begun", async () => {
    const { open, unreadable } = await serve((exchange) => exchange.beginStream(TEXT));
    const { socket, heard } = await open();
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    await once(socket, "close");
    expect(heard()).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
    expect(unreadable).toEqual([]);
  });
});

describe("a client that is slow", () => {
  const quick = { headersMs: 200, bodyMs: 200, checkIntervalMs: 20 };

  it.each([
    ["with its head", "GET / HTTP/1.1\r\nHost: x\r\nA: "],
    ["with its body", post("hello").slice(0, -1)],
    ["with the second request", `${GET}GET / HTTP/1.1\r\n`],
  ])("%s is told, and loses its connection", async (_, text) => {
    const { open, unreadable } = await serve(echo, quick);
    const { socket, heard } = await open();
    const dripping = setInterval(() => socket.write("x"), 50);
    socket.write(text.replace("hell", "he"));
    await once(socket, "close");
    clearInterval(dripping);
    expect(heard()).toMatch(/HTTP\/1\.1 408 [^]*"code":"request-timeout"/);
    expect(unreadable).toEqual(["request-timeout"]);
  });

  it("with a body that nobody wants loses its connection", async () => {
    const { open } = await serve((exchange) => exchange.sendText(401, TEXT, "no"), quick);
    const { socket, heard } = await open();
    socket.write("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n");
    await once(socket, "close");
    expect(heard().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 401"]);
  });

  it("has all the time it wants for its answer", async () => {
    const { open } = await serve(
      (exchange) => void sleep(600).then(() => exchange.sendText(200, TEXT, "<late>")),
      quick,
    );
    const { socket, heard } = await open();
    socket.write(GET);
    await vi.waitFor(() => expect(echoes(heard())).toEqual(["late"]), { timeout: 3_000 });
  });
});

describe("a server that closes", () => {
  it("ends idle connections at once, lets answers finish, and serves nothing more", async () => {
    const waiting: ServerExchange[] = [];
    const { server, open } = await serve((exchange) => waiting.push(exchange));
    const idle = await open();
    const busy = await open();
    busy.socket.write(GET + GET);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    const closed = server.close(5_000);
    await once(idle.socket, "close");
    waiting[0]?.sendText(200, TEXT, "<done>");
    await closed;
    await vi.waitFor(() => expect(busy.socket.destroyed).toBe(true));
    expect(echoes(busy.heard())).toEqual(["done"]);
    expect(waiting).toHaveLength(1);
  });

  it("waits only so long", async () => {
    const { server, open } = await serve(() => {});
    const { socket } = await open();
    socket.write(GET);
    await sleep(20);
    const closed = once(socket, "close");
    await server.close(50);
    await closed;
  });

  it("says when it cannot listen", async () => {
    const { port } = await serve(echo);
    const options = { timeouts: PATIENT, onConnection() {}, onExchange: echo, onUnreadable() {} };
    const second = new HttpServer(options);
    await expect(second.listen("127.0.0.1", port)).rejects.toMatchObject({ code: "port-in-use" });
  });
});
