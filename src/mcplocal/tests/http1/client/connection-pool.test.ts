import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { ConnectionPool, type SentRequest } from "../../../src/http1/client/connection-pool.ts";

async function serve(listener: RequestListener): Promise<{ server: Server; url: URL }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) };
}

function createPool(url: URL, maxConnections = 2): ConnectionPool {
  const pool = new ConnectionPool({ url, maxConnections, connectTimeoutMs: 1_000 });
  onTestFinished(() => pool.destroy());
  return pool;
}

interface Sent {
  sent: SentRequest;
  /** The body of the response. */
  answer: Promise<string>;
}

function post(pool: ConnectionPool, body: string): Sent {
  const { promise: answer, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const handler = {
    onHead() {},
    onData: (chunk: Buffer) => void (text += chunk.toString()),
    onEnd: () => resolve(text),
    onError: reject,
  };
  return { answer, sent: pool.send({ head: "POST / HTTP/1.1\r\nhost: a\r\n", body }, handler) };
}

const echo: RequestListener = (request, response) => {
  request.setEncoding("utf8").once("data", (text: string) => response.end(`${text} on ${request.socket.remotePort}`));
};

it("uses a connection again", async () => {
  const { url } = await serve(echo);
  const pool = createPool(url);
  const [, first] = (await post(pool, "a").answer).split(" on ");
  expect(await post(pool, "b").answer).toBe(`b on ${first}`);
});

it("counts the length of a body in bytes", async () => {
  const { url } = await serve(echo);
  expect(await post(createPool(url), "größer 🙂").answer).toMatch(/^größer 🙂 on /);
});

it("lets requests wait when every connection is busy", async () => {
  const { url } = await serve(echo);
  const pool = createPool(url);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => post(pool, `${at}`).answer));
  expect(answers.map((answer) => answer.split(" on ")[0])).toEqual(Array.from({ length: 20 }, (_, at) => `${at}`));
  expect(new Set(answers.map((answer) => answer.split(" on ")[1])).size).toBe(2);
});

it("makes a new connection in place of one that the server has ended", async () => {
  const { server, url } = await serve(echo);
  const pool = createPool(url);
  await post(pool, "a").answer;
  server.closeAllConnections();
  await sleep(20);
  expect(await post(pool, "b").answer).toMatch(/^b on /);
});

it("does not use a connection for longer than the server says that it keeps it", async () => {
  const { url } = await serve((request, response) => {
    response.setHeader("keep-alive", "timeout=1");
    echo(request, response);
  });
  const pool = createPool(url);
  const [, first] = (await post(pool, "a").answer).split(" on ");
  expect(await post(pool, "b").answer).not.toBe(`b on ${first}`);
});

it("fails every request that a server which is gone would have served", async () => {
  const { server, url } = await serve(echo);
  server.close();
  const pool = createPool(url);
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => post(pool, "a").answer));
  expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill("rejected"));
});

it("forgets a request that is given up, whether it waits or is under way", async () => {
  let requests = 0;
  const { url } = await serve(() => (requests += 1));
  const pool = createPool(url, 1);
  const running = post(pool, "a");
  const waiting = post(pool, "b");
  await sleep(50);
  waiting.sent.abandon();
  running.sent.abandon();
  await sleep(50);
  expect(requests).toBe(1);
});

it("never takes what a server sends unasked for the answer to the next request", async () => {
  const answer = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const server = createTcpServer((socket) => socket.on("data", () => socket.write(answer("right") + answer("forged"))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const pool = createPool(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), 1);
  const outcomes = await Promise.allSettled([post(pool, "a").answer, post(pool, "b").answer]);
  expect(outcomes).toMatchObject(Array(2).fill({ status: "rejected", reason: { code: "upstream-protocol" } }));
});

it("lets no request end another one by being given up late", async () => {
  const { url } = await serve((request, response) => setTimeout(() => echo(request, response), 20));
  const pool = createPool(url, 1);
  const first = post(pool, "a");
  await first.answer;
  const second = post(pool, "b");
  first.sent.abandon();
  expect(await second.answer).toMatch(/^b on /);
});

it("waits for requests under way when it is closed, and takes no more", async () => {
  const { url } = await serve((request, response) => setTimeout(() => echo(request, response), 50));
  const pool = createPool(url);
  const running = post(pool, "a");
  await sleep(20);
  const closed = pool.close();
  await expect(post(pool, "b").answer).rejects.toThrow("closed");
  expect(await running.answer).toMatch(/^a on /);
  await closed;
});
