import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { startModernServer } from "../../../../tests/fixtures/http-modern-server.ts";
import { startRig, type Rig, started } from "../support/gateway-rig.ts";
import { modern, send } from "../support/wire.ts";

const MIB = 1_048_576;

describe("the gateway's limits", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({
      servers: { files: await started(startModernServer()) },
      options: { timeouts: { headersMs: 300, bodyMs: 600, checkIntervalMs: 50 } },
    });
  });

  /** Writes bytes on a connection of its own, and reads until the gateway ends it. */
  async function speak(write: (line: (text: string) => void) => Promise<void> | void): Promise<string> {
    const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
    let heard = "";
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
    socket.on("error", () => {});
    await once(socket, "connect");
    await write((text) => void (socket.destroyed || socket.write(text)));
    if (!socket.destroyed) await Promise.race([once(socket, "close"), sleep(5_000)]);
    const isOpen = !socket.destroyed;
    socket.destroy();
    return isOpen ? "still open" : heard;
  }

  function head(extra: string): string {
    return `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${rig.token}\r\nContent-Type: application/json\r\n${extra}\r\n`;
  }

  it("take a body of 4 MiB and refuse a larger one", async () => {
    const request = modern("tools/call", { name: "files__echo", arguments: { message: "" } });
    const sized = (bytes: number) => {
      const text = JSON.stringify(request.body);
      return text.replace('"message":""', `"message":"${"x".repeat(bytes - text.length)}"`);
    };
    const ask = (bytes: number) => send(rig.url, { ...request, token: rig.token, body: sized(bytes) });
    expect((await ask(4 * MIB)).status).toBe(200);
    const refused = await ask(4 * MIB + 1);
    expect({ status: refused.status, code: refused.json.error.data.code }).toEqual({
      status: 413,
      code: "payload-too-large",
    });
    expect((await ask(12 * MIB)).status).toBe(413);
  });

  it("refuse a body without a length as soon as it is too large", async () => {
    const heard = await speak(async (write) => {
      write(head("Transfer-Encoding: chunked\r\nConnection: close\r\n"));
      for (let count = 0; count < 5; count += 1) {
        write(`100000\r\n${"x".repeat(MIB)}\r\n`);
        await sleep(5);
      }
    });
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("end a connection that sends a refused body without end", async () => {
    const heard = await speak(async (write) => {
      write(head("Transfer-Encoding: chunked\r\n"));
      for (let count = 0; count < 40; count += 1) {
        write(`100000\r\n${"x".repeat(MIB)}\r\n`);
        await sleep(5);
      }
    });
    expect(heard).not.toBe("still open");
  });

  it("leave the connection usable after a refused body", async () => {
    const body = "x".repeat(4 * MIB + 10);
    const next = `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const heard = await speak((write) => write(`${head(`Content-Length: ${body.length}\r\n`)}${body}${next}`));
    expect(heard).toMatch(/^HTTP\/1\.1 413 [^]*HTTP\/1\.1 200 /);
  });

  it.each([
    ["headers that never end", () => "POST /mcp HTTP/1.1\r\nHost: localhost\r\n"],
    ["a body that never comes", () => head("Content-Length: 100\r\n")],
    ["a body that stops", () => `${head("Content-Length: 100\r\n")}{"jsonrpc"`],
  ])("end a connection with %s", async (_, text) => {
    const startedAt = performance.now();
    const heard = await speak((write) => write(text()));
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it("outlive clients that break off in the middle", async () => {
    for (const text of [head("Content-Length: 100\r\n"), `${head("Content-Length: 100\r\n")}{"a`]) {
      const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
      await once(socket, "connect");
      socket.write(text);
      await sleep(20);
      socket.destroy();
    }
    expect((await send(rig.url, { ...modern("tools/list"), token: rig.token })).status).toBe(200);
    expect(rig.lines.filter((line) => line.includes("unexpected"))).toEqual([]);
  });

  it.each([
    [
      "deep lists",
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`,
    ],
    [
      "deep objects",
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}`,
    ],
    ["brackets that never close", "[".repeat(1_000_000)],
    ["a long string that does not end", `{"jsonrpc":"${"\\".repeat(999_999)}`],
  ])("refuse %s with 400 and at once", async (_, body) => {
    const startedAt = performance.now();
    expect((await send(rig.url, { token: rig.token, body })).status).toBe(400);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
