import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Rest, startRest } from "../support/rest.ts";

describe("the edge of mcpd", () => {
  let rest: Rest;
  beforeAll(async () => {
    rest = await startRest(undefined);
  });
  afterAll(() => rest?.[Symbol.asyncDispose]());

  async function metrics(): Promise<string> {
    return String((await rest.send("GET", "/metrics")).body["text"]);
  }

  it.each([
    ["headers without end", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`],
    ["no HTTP at all", "\u0016\u0003\u0001\u0002"],
  ])("answers %s with a problem, and counts it", async (_, text) => {
    const { port, hostname } = new URL(rest.url);
    const socket = connect(Number(port), hostname);
    let heard = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => (heard += chunk));
    socket.on("error", () => {});
    socket.write(text, "latin1");
    await once(socket, "close");
    expect(heard).toMatch(/^HTTP\/1\.1 400 /);
    const problem = JSON.parse(heard.slice(heard.indexOf("\r\n\r\n")));
    expect(problem).toMatchObject({ code: "bad-request", hint: expect.any(String) });
    expect(await metrics()).toMatch(/mcpctl_http_refusals_total\{code="bad-request"\} [1-9]/);
  });

  it("shows open connections, refusals by their code, and what servers have to do", async () => {
    expect((await rest.send("GET", "/api/v1/servers", undefined, { bearer: null })).status).toBe(401);
    const text = await metrics();
    expect(text).toMatch(/mcpctl_http_connections [1-9]/);
    expect(text).toMatch(/mcpctl_http_refusals_total\{code="unauthenticated"\} 1/);
    for (const name of ["requests_in_flight", "unsent_bytes", "timeouts_total", "restarts_total"]) {
      expect(text).toContain(`# HELP mcpctl_server_${name} `);
    }
  });
});
