import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configSchema } from "../../src/mcpd/src/config.ts";
import { type Mcpd, startMcpd } from "../../src/mcpd/src/mcpd.ts";

describe("mcpd and clients that take their time", () => {
  let mcpd: Mcpd;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "mcpctl-slow-"));
    mcpd = await startMcpd(configSchema.parse({ listen: "127.0.0.1:0", dataDir, logLevel: "silent" }));
  });
  afterAll(async () => {
    await mcpd?.[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Sends a beginning, then a byte a second. @returns what came back, and after how many seconds it was over. */
  async function trickle(beginning: string): Promise<{ answer: string; seconds: number }> {
    const { port, hostname } = new URL(mcpd.url);
    const socket = connect(Number(port), hostname);
    const startedAt = Date.now();
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(beginning);
    const timer = setInterval(() => socket.write("x"), 1_000);
    await once(socket, "close");
    clearInterval(timer);
    return { answer, seconds: (Date.now() - startedAt) / 1_000 };
  }

  it(
    "ends slow headers within 15 s and slow bodies within 35 s, and serves others meanwhile",
    { timeout: 60_000 },
    async () => {
      const head = "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
      const slow = Promise.all([trickle(`${head}X-Slow: `), trickle(`${head}Content-Length: 10000\r\n\r\n`)]);
      expect((await fetch(`${mcpd.url}/livez`)).status).toBe(200);
      const [headers, body] = await slow;
      expect(headers.seconds).toBeLessThan(15);
      expect(headers.answer).toContain("408");
      expect(body.seconds).toBeLessThan(35);
      expect(body.answer).toContain("408");
    },
  );
});
