import { join } from "node:path";
import type { Client, ClientCapabilities } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createGateway } from "../../src/mcplocal/src/gateway.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { connect as connectTo, ERAS, textOf } from "../e2e/support/client.ts";
import { type Rest, startRest } from "../support/rest.ts";

const ASKING = join(import.meta.dirname, "..", "fixtures", "stdio-asking.mjs");
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const ALL: ClientCapabilities = { elicitation: { form: {}, url: {} }, sampling: {} };

describe.each(ERAS)("a process of the %s era behind mcpd", (serverEra) => {
  const cleanup = new AsyncDisposableStack();
  let rest: Rest;
  let url: string;
  let token: string;
  beforeAll(async () => {
    rest = cleanup.use(await startRest(undefined));
    const spec = { command: process.execPath, args: [ASKING, serverEra] };
    await rest.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name: "asking" }, spec });
    await rest.send("POST", "/api/v1/projects", {
      kind: "Project",
      metadata: { name: "p" },
      spec: { servers: ["asking"] },
    });
    const mint = { kind: "McpToken", metadata: { name: "t", project: "p" }, spec: {} };
    token = String((await rest.send("POST", "/api/v1/mcptokens", mint)).body["token"]);
    const dispatcher = createDispatcher();
    cleanup.defer(() => dispatcher.destroy());
    const controlPlane = createHttpControlPlane({ mcpdUrl: rest.url, dispatcher });
    const options = { host: "127.0.0.1", port: 0, drainSeconds: 1 };
    const gateway = createGateway({ controlPlane, options, log: SILENT });
    url = new URL("/mcp", (await gateway.listen()).url).href;
    cleanup.defer(() => gateway.close());
  }, 30_000);
  afterAll(() => cleanup.disposeAsync());

  async function connect(era: (typeof ERAS)[number], name: string, capabilities = ALL) {
    const client: Client = await connectTo(url, token, era, capabilities);
    onTestFinished(() => client.close());
    const asked: string[] = [];
    if (capabilities.elicitation)
      client.setRequestHandler("elicitation/create", ({ params }) => {
        asked.push(params.mode ?? "form");
        return params.mode === "url" ? { action: "accept" } : { action: "accept", content: { name } };
      });
    if (capabilities.sampling)
      client.setRequestHandler("sampling/createMessage", () => {
        asked.push("model");
        return { role: "assistant", model: "m", content: { type: "text", text: name } };
      });
    const ask = async (how: string) => textOf(await client.callTool({ name: "asking__ask", arguments: { how } }));
    return { client, asked, ask };
  }

  describe.each(ERAS)("and a %s client", (era) => {
    it("agree on every kind of answer", async () => {
      const { asked, ask } = await connect(era, "ada");
      expect(await ask("form")).toContain('"name":"ada"');
      expect(await ask("url")).toContain('"action":"accept"');
      expect(await ask("model")).toContain('"text":"ada"');
      expect(asked).toEqual(["form", "url", "model"]);
    });

    it("come to an end when the client can be asked for nothing", async () => {
      const { ask } = await connect(era, "ada", {});
      const said = await ask("form").catch((error: unknown) => String(error));
      expect(said).toMatch(/No client can be asked|not say it can give|input/i);
    });

    it("ask whom they should when two clients call, as soon as it is known that the server asks", async () => {
      const clients = [await connect(era, "one"), await connect(era, "two")] as const;
      // The first time, nobody is asked rather than the wrong one.
      await Promise.allSettled(clients.map(({ ask }) => ask("form")));
      const said = await Promise.all(clients.map(({ ask }) => ask("form")));
      expect(said).toEqual([expect.stringContaining('"name":"one"'), expect.stringContaining('"name":"two"')]);
    });

    it("let the client see log messages of the level that it wants", async () => {
      const { client } = await connect(era, "ada");
      const seen: string[] = [];
      client.setNotificationHandler("notifications/message", ({ params: { logger, level } }) => {
        seen.push(`${logger} ${level}`);
      });
      if (era === "legacy") await client.setLoggingLevel("error");
      const _meta = era === "modern" ? { "io.modelcontextprotocol/logLevel": "error" } : {};
      await client.callTool({ name: "asking__log", arguments: {}, _meta });
      expect(seen).toEqual(["asking error"]);
    });

    it("let the client hear of a resource that it subscribed to", async () => {
      const { client } = await connect(era, "ada");
      const updated: string[] = [];
      client.setNotificationHandler("notifications/resources/updated", ({ params }) => void updated.push(params.uri));
      const subscription = era === "modern" ? await client.listen({ resourceSubscriptions: ["x:1"] }) : undefined;
      if (era === "legacy") await client.subscribeResource({ uri: "x:1" });
      await vi.waitFor(
        async () => {
          await client.callTool({ name: "asking__update", arguments: {} });
          expect(updated).toContain("x:1");
        },
        { timeout: 5_000, interval: 100 },
      );
      await subscription?.close();
    });
  });
});
