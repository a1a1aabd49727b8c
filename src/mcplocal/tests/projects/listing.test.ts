import type { Upstream } from "@mcpctl/shared/mcp/upstream.ts";
import { describe, expect, it } from "vitest";
import { listAll } from "../../src/projects/listing.ts";

const NEVER = new AbortController().signal;

/** A server that answers each page of its list with what `answer` says. */
function serverOf(answer: (cursor: string | undefined) => unknown): Upstream {
  return {
    identity: undefined,
    connect: () => Promise.reject(new Error("not needed")),
    async request(_method, params) {
      const result = answer(params["cursor"] as string | undefined);
      return { kind: "result", json: Buffer.from(typeof result === "string" ? result : JSON.stringify(result)) };
    },
    onChange: () => () => {},
    subscribe: () => () => {},
    close: async () => {},
  };
}

const tool = (name: string, extra: object = {}) => ({ name, inputSchema: { type: "object" }, ...extra });
const list = (answer: (cursor: string | undefined) => unknown) => listAll(serverOf(answer), "tools", NEVER);

describe("listAll", () => {
  it("walks all pages in order", async () => {
    const pages = [["a", "b"], ["c"], ["d"]];
    const { entries } = await list((cursor = "0") => {
      const next = Number(cursor) + 1;
      return {
        tools: pages[Number(cursor)]?.map((name) => tool(name)),
        ...(next < pages.length && { nextCursor: String(next) }),
      };
    });
    expect(entries.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
  });

  it("takes an empty cursor for a cursor", async () => {
    const { entries } = await list((cursor) =>
      cursor === undefined ? { tools: [tool("a")], nextCursor: "" } : { tools: [tool("b")] },
    );
    expect(entries).toHaveLength(2);
  });

  it("keeps what it does not know, and schemas as they are", async () => {
    const inputSchema = { $schema: "x", type: "object", $defs: { a: { anyOf: [{ const: 1 }] } }, "x-vendor": 1 };
    const { entries } = await list(() => ({
      tools: [tool("a", { inputSchema, vendor: { deep: [null, 1e3] }, _meta: { ui: 1 } })],
    }));
    expect(JSON.parse(`{${entries[0]?.rest}`)).toEqual({
      inputSchema,
      vendor: { deep: [null, 1000] },
      _meta: { ui: 1 },
    });
  });

  it("hides an output that is no object from clients with sessions only", async () => {
    const { entries } = await list(() => ({
      tools: [tool("a", { outputSchema: { type: "array" } }), tool("b", { outputSchema: { type: "object" } })],
    }));
    expect(
      entries.map(({ rest, legacyRest }) => [rest.includes("outputSchema"), legacyRest?.includes("outputSchema")]),
    ).toEqual([
      [true, false],
      [true, undefined],
    ]);
  });

  it("leaves out what would make a client refuse the whole list, and says how much", async () => {
    const bad = [
      null,
      7,
      {},
      { name: "" },
      { name: 1 },
      { name: "x" },
      tool("y", { inputSchema: { type: "array" } }),
      tool("z", { description: 7 }),
      tool("a"),
    ];
    const { entries, leftOut } = await list(() => ({ tools: [tool("a"), ...bad] }));
    expect({ names: entries.map(({ name }) => name), leftOut }).toEqual({ names: ["a"], leftOut: bad.length });
  });

  it.each<[string, (cursor: string | undefined) => unknown, string]>([
    ["the same cursor for ever", () => ({ tools: [], nextCursor: "x" }), "in a circle"],
    [
      "cursors in a circle",
      (cursor = "0") => ({ tools: [], nextCursor: String((Number(cursor) + 1) % 3) }),
      "in a circle",
    ],
    [
      "pages without end",
      (cursor = "0") => ({ tools: [], nextCursor: String(Number(cursor) + 1) }),
      "more than 200 pages",
    ],
    [
      "too many tools",
      () => ({ tools: Array.from({ length: 5_001 }, (_, index) => tool(`t${index}`)) }),
      "more than 5000 of them",
    ],
    [
      "pages that take too much together",
      (cursor = "0") => ({
        tools: [{ ...tool(`t${cursor}`), description: "x".repeat(6_000_000) }],
        nextCursor: String(Number(cursor) + 1),
      }),
      "more than 16777216 bytes",
    ],
    ["no list", () => ({ tools: "none" }), "no list of tools"],
    ["a cursor that is no string", () => ({ tools: [], nextCursor: 7 }), "no list of tools"],
    ["null", () => null, "no list of tools"],
    ["no JSON", () => "{tools}", "no JSON"],
    ["a list of endless depth", () => `{"tools":[${"[".repeat(50_000)}${"]".repeat(50_000)}]}`, "levels deep"],
  ])("gives up on %s", async (_, answer, message) => {
    await expect(list(answer)).rejects.toMatchObject({
      code: "upstream-protocol",
      message: expect.stringContaining(message),
    });
  });

  it("takes exactly 5000 tools", async () => {
    const { entries } = await list(() => ({ tools: Array.from({ length: 5_000 }, (_, index) => tool(`t${index}`)) }));
    expect(entries).toHaveLength(5_000);
  });
});
