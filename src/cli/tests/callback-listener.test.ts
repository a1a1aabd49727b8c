import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { listenForCallback } from "../src/callback-listener.ts";

const STATE = "s".repeat(43);
const never = () => new AbortController().signal;

/** With headers that `fetch` does not let one set. */
function statusOf(url: string, { method = "GET", host }: { method?: string; host?: string } = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method, agent: false, ...(host !== undefined && { headers: { host } }) },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on("error", reject).end();
  });
}

describe("the listener for the redirect", () => {
  it("gives the query of the one request that carries the state, on loopback alone", async () => {
    await using listener = await listenForCallback(STATE);
    const { redirectUri } = listener;
    expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const port = new URL(redirectUri).port;
    expect(await statusOf(`${redirectUri}?code=wrong&state=${"x".repeat(43)}`)).toBe(404);
    expect(await statusOf(`${redirectUri}?code=wrong`)).toBe(404);
    expect(await statusOf(`${redirectUri}?code=wrong&state=${STATE}&state=${STATE}`)).toBe(404);
    expect(await statusOf(`${redirectUri}?code=wrong&state=${STATE}`, { method: "POST" })).toBe(404);
    expect(await statusOf(`${redirectUri}?code=wrong&state=${STATE}`, { host: `evil.example.com:${port}` })).toBe(404);
    expect(await statusOf(`http://127.0.0.1:${port}/other?code=wrong&state=${STATE}`)).toBe(404);
    expect(await statusOf(`${redirectUri}?code=right&state=${STATE}&iss=x`)).toBe(200);
    expect(await listener.wait(never())).toBe(`code=right&state=${STATE}&iss=x`);
  });

  it("does not wait for a browser that has opened a connection and asks nothing", async () => {
    const listener = await listenForCallback(STATE);
    const idle = connect(Number(new URL(listener.redirectUri).port), "127.0.0.1").on("error", () => {});
    await once(idle, "connect");
    await Promise.all([listener[Symbol.asyncDispose](), once(idle, "close")]);
  });

  it("ends with the signal", async () => {
    await using listener = await listenForCallback(STATE);
    await expect(listener.wait(AbortSignal.abort(new Error("Ctrl-C")))).rejects.toThrow("Ctrl-C");
    const controller = new AbortController();
    const waiting = listener.wait(controller.signal);
    controller.abort(new Error("Ctrl-C"));
    await expect(waiting).rejects.toThrow("Ctrl-C");
  });
});
