import { describe, expect, it } from "vitest";
import type { Exchange } from "../../src/pipeline/exchange.ts";
import { createNotificationRelay } from "../../src/pipeline/notification-relay.ts";
import { declaredIn } from "../../src/protocol/client-capabilities.ts";
import type { Json } from "../support/wire.ts";

const LOGGING = { name: "files", hasLogging: true };
const SILENT = { name: "files", hasLogging: false };
const LOG_LEVEL = "io.modelcontextprotocol/logLevel";

function setUp() {
  const relay = createNotificationRelay();
  /** Lets a server speak during one request. */
  return (server: typeof LOGGING, { era = "modern", params = {}, client }: Partial<Exchange>) => {
    const heard: Json[] = [];
    const notify = (message: Uint8Array) => void heard.push(JSON.parse(Buffer.from(message).toString()));
    const relayed = relay({ era, params, client, notify } as Exchange, server);
    const say = (method: string, said: Json) =>
      relayed.onNotification?.(Buffer.from(JSON.stringify({ jsonrpc: "2.0", method, params: said })));
    return { ...relayed, heard, say };
  };
}

const askable = (logLevel?: string) => ({ capabilities: {}, logLevel, ask: () => Promise.reject(new Error("asked")) });

describe("progress", () => {
  it("reaches the client under its own token, and no other's does", () => {
    const begin = setUp();
    const [one, other] = [1, "two"].map((progressToken) => begin(SILENT, { params: { _meta: { progressToken } } }));
    expect(one?.token).not.toBe(other?.token);
    one?.say("notifications/progress", { progressToken: one.token, progress: 1, message: "m" });
    one?.say("notifications/progress", { progressToken: other?.token, progress: 2 });
    one?.say("notifications/progress", { progressToken: 1, progress: 3 });
    const params = { progressToken: 1, progress: 1, message: "m" };
    expect(one?.heard).toEqual([{ jsonrpc: "2.0", method: "notifications/progress", params }]);
    expect(other?.heard).toEqual([]);
  });

  it("is not asked for when the client wants none", () => {
    expect(setUp()(SILENT, {})).toMatchObject({ token: undefined, onNotification: undefined });
    expect(setUp()(SILENT, { params: { _meta: { progressToken: {} } } }).onNotification).toBeUndefined();
  });
});

describe("log messages", () => {
  it("come to a session as long as it says nothing else, and name their server", () => {
    const { heard, say } = setUp()(LOGGING, { era: "legacy" });
    say("notifications/message", { level: "debug", logger: "db", data: 1 });
    say("notifications/message", { level: "error", data: 2 });
    expect(heard.map(({ params }) => params)).toEqual([
      { level: "debug", logger: "files.db", data: 1 },
      { level: "error", logger: "files", data: 2 },
    ]);
  });

  it("come to a stateless client only when it asks for them", () => {
    expect(setUp()(LOGGING, {}).onNotification).toBeUndefined();
    expect(setUp()(LOGGING, { client: askable("debug") }).onNotification).toBeDefined();
  });

  it.each(["modern", "legacy"] as const)("are at least of the level that a %s client wants", (era) => {
    const { heard, say } = setUp()(LOGGING, { era, client: askable("warning") });
    for (const level of ["debug", "info", "notice", "warning", "error", "emergency", "loud", 7, undefined]) {
      say("notifications/message", { level, data: "" });
    }
    expect(heard.map(({ params }) => params.level)).toEqual(["warning", "error", "emergency"]);
  });

  it("are none for a level that does not exist", () => {
    const declared = declaredIn({ _meta: { [LOG_LEVEL]: "everything" } });
    expect(declared?.logLevel).toBeUndefined();
    expect(declaredIn({ _meta: { [LOG_LEVEL]: "info" } })?.logLevel).toBe("info");
  });

  it("are not waited for from a server that has none", () => {
    expect(setUp()(SILENT, { era: "legacy" }).onNotification).toBeUndefined();
  });
});

describe("whatever else a server says", () => {
  it("stays with the gateway", () => {
    const { heard, say } = setUp()(LOGGING, { era: "legacy", params: { _meta: { progressToken: 1 } } });
    for (const method of ["notifications/tools/list_changed", "notifications/cancelled", "x"]) say(method, {});
    say("notifications/message", [1]);
    expect(heard).toEqual([]);
  });

  it("does no harm when it is no JSON", () => {
    const { heard, onNotification } = setUp()(LOGGING, { era: "legacy" });
    onNotification?.(Buffer.from('{"jsonrpc":"2.0","method":"notifications/message","params":{oops}}'));
    expect(heard).toEqual([]);
  });
});
