import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { describe, expect, it } from "vitest";
import { ServerCatalogue } from "../../src/projects/server-catalogue.ts";

const REFRESH_MS = 300_000;

/** A catalogue of a server with these tools, on a clock that the test moves. */
function catalogueOf(listTools: () => string[]) {
  const seen = { changes: 0, looks: 0, nowMs: 0 };
  const upstream: Upstream = {
    identity: undefined,
    connect: async () => ({
      era: "modern",
      protocolVersion: "2026-07-28",
      capabilities: { tools: {} },
      instructions: "Be kind.",
    }),
    async request() {
      seen.looks += 1;
      const tools = listTools().map((name) => ({ name, inputSchema: { type: "object" } }));
      return { kind: "result", json: Buffer.from(JSON.stringify({ tools })) };
    },
    onChange: () => () => {},
    subscribe: () => () => {},
    close: async () => {},
  };
  const catalogue = new ServerCatalogue({
    name: "files",
    timeoutSeconds: 5,
    connection: () => upstream,
    now: () => seen.nowMs,
    onChange: () => (seen.changes += 1),
    onUpdated: () => {},
    previous: undefined,
  });
  async function lookAgain(): Promise<void> {
    const looked = seen.looks;
    seen.nowMs += REFRESH_MS;
    catalogue.refreshWhenDue();
    while (seen.looks === looked) await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  return { catalogue, seen, lookAgain };
}

describe("a catalogue", () => {
  it("reports no change when a look finds what it knew, since every report costs the whole project a new list", async () => {
    const { catalogue, seen, lookAgain } = catalogueOf(() => ["a", "b"]);
    await catalogue.settled();
    expect(seen.changes).toBe(1);
    await lookAgain();
    await lookAgain();
    expect(seen).toMatchObject({ looks: 3, changes: 1 });
  });

  it("reports a tool that is new", async () => {
    const tools = ["a"];
    const { catalogue, seen, lookAgain } = catalogueOf(() => tools);
    await catalogue.settled();
    tools.push("b");
    await lookAgain();
    expect(seen.changes).toBe(2);
    expect(catalogue.last.lists.tools.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("reports a fault once, and that it is over", async () => {
    let isDown = false;
    const { catalogue, seen, lookAgain } = catalogueOf(() => {
      if (isDown) throw new McpctlError("upstream-unavailable", "Nobody answers");
      return ["a"];
    });
    await catalogue.settled();
    isDown = true;
    await lookAgain();
    await lookAgain();
    expect(seen.changes).toBe(2);
    expect(catalogue.fault?.code).toBe("upstream-unavailable");
    isDown = false;
    await lookAgain();
    expect(seen.changes).toBe(3);
    expect(catalogue.fault).toBeUndefined();
  });
});
