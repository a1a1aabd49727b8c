import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  type FixtureOptions,
  type HttpFixture,
  startEvents,
  writeEvent,
} from "../../../../tests/fixtures/http-fixture-server.ts";
import { startLegacyServer } from "../../../../tests/fixtures/http-legacy-server.ts";
import { createDispatcher } from "../../src/upstreams/dispatcher.ts";
import { createHttpUpstream } from "../../src/upstreams/http-upstream.ts";

let dispatcher: ReturnType<typeof createDispatcher>;
beforeAll(() => void (dispatcher = createDispatcher()));
afterAll(() => dispatcher.destroy());

async function open(options: FixtureOptions, timeoutSeconds = 5) {
  const server = await startLegacyServer(options);
  const at = { name: "files", url: new URL(server.url), headers: {}, timeoutSeconds, dispatcher, capabilities: {} };
  const upstream = createHttpUpstream(at);
  onTestFinished(async () => {
    await upstream.close();
    await server.close();
  });
  const heard: unknown[] = [];
  const call = (signal = new AbortController().signal) =>
    upstream.request(
      "tools/call",
      { name: "slow" },
      {
        signal,
        onNotification: (message) => heard.push(JSON.parse(Buffer.from(message).toString()).params),
      },
    );
  return { server, call, heard };
}

/** Ends the stream of a call, and does what a test says with each that goes on with it. */
function ending(
  start: string,
  goOn: (response: ServerResponse, id: unknown, lastEventId: unknown) => void,
): FixtureOptions {
  let id: unknown;
  return {
    intercept({ body, httpMethod, headers }, response) {
      if (httpMethod === "GET") {
        startEvents(response);
        goOn(response, id, headers["last-event-id"]);
        return true;
      }
      if (body["method"] !== "tools/call") return false;
      id = body["id"];
      startEvents(response);
      response.end(start);
      return true;
    },
  };
}

const resumptionsOf = ({ seen }: HttpFixture) =>
  seen.filter(({ httpMethod }) => httpMethod === "GET").map(({ headers }) => headers["last-event-id"]);

describe("a stream that a server with sessions ends before it has answered", () => {
  it("is gone on with behind its last event, after the pause that the server asks for", async () => {
    const { server, call, heard } = await open(
      ending("id: one\nretry: 20\ndata: \n\n", (response, id, lastEventId) => {
        if (lastEventId === "one") {
          response.write("id: two\n");
          writeEvent(response, { method: "notifications/progress", params: { progress: 1 } });
          response.end();
          return;
        }
        writeEvent(response, { id, result: { content: [] } });
      }),
    );
    const { kind, json } = await call();
    expect({ kind, json: Buffer.from(json).toString() }).toEqual({ kind: "result", json: '{"content":[]}' });
    expect(resumptionsOf(server)).toEqual(["one", "two"]);
    expect(heard).toEqual([{ progress: 1 }]);
    expect(server.requests("tools/call")).toHaveLength(1);
  });

  it("is not gone on with when it names no event", async () => {
    const { server, call } = await open(ending("retry: 20\ndata: \n\n", (response) => response.end()));
    await expect(call()).rejects.toMatchObject({ code: "upstream-unavailable" });
    expect(resumptionsOf(server)).toEqual([]);
  });

  it("is given up when the server says nothing for the whole limit", async () => {
    const { server, call } = await open(
      ending("id: one\nretry: 20\ndata: \n\n", (response) => response.end()),
      0.3,
    );
    await expect(call()).rejects.toMatchObject({ code: "upstream-unavailable" });
    expect(resumptionsOf(server).length).toBeLessThan(40);
  });

  it("is given up when the caller does, and the server hears of it", async () => {
    const gone = new AbortController();
    const { server, call } = await open(
      ending("id: one\nretry: 20\ndata: \n\n", () => setTimeout(() => gone.abort(new Error("gone")), 20)),
    );
    await expect(call(gone.signal)).rejects.toThrow("gone");
    await expect.poll(() => server.cancelled).toHaveLength(1);
  });
});
