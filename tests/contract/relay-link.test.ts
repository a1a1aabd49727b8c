import { join } from "node:path";
import type { Upstream } from "../../src/shared/src/mcp/upstream.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpControlPlane } from "../../src/mcplocal/src/control-plane/http-control-plane.ts";
import { createDispatcher } from "../../src/mcplocal/src/upstreams/dispatcher.ts";
import { type Rest, startRest } from "../support/rest.ts";

const NEVER = new AbortController().signal;

describe("the link between a gateway and mcpd", () => {
  let rest: Rest;
  const dispatcher = createDispatcher();
  beforeAll(async () => {
    rest = await startRest(undefined);
    for (const name of ["echo", "modern"]) {
      const args = [join(import.meta.dirname, "..", "fixtures", `stdio-${name}.mjs`)];
      const spec = { command: process.execPath, args };
      await rest.send("POST", "/api/v1/servers", { kind: "Server", metadata: { name }, spec });
    }
    const spec = { servers: ["echo", "modern"] };
    await rest.send("POST", "/api/v1/projects", { kind: "Project", metadata: { name: "p" }, spec });
  });
  afterAll(async () => {
    await dispatcher.destroy();
    await rest?.[Symbol.asyncDispose]();
  });

  async function open(server: string): Promise<Upstream> {
    const controlPlane = createHttpControlPlane({ mcpdUrl: rest.url, dispatcher });
    const { servers } = await controlPlane.discover("p", rest.admin);
    const found = servers.find(({ name }) => name === server);
    if (!found) throw new Error(`no server ${server}`);
    expect(found.hasLink).toBe(true);
    return controlPlane.openUpstream(found, rest.admin);
  }

  it.each(["echo", "modern"])("carries calls to %s", async (server) => {
    const upstream = await open(server);
    const reply = await upstream.request("tools/call", { name: "echo", arguments: { text: "hä" } }, { signal: NEVER });
    expect(JSON.parse(Buffer.from(reply.json).toString())).toMatchObject({ content: [{ text: "hä" }] });
    await upstream.close();
  });
});
