import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exposeNames, type OwnName } from "../../src/mcp/tool-names.ts";

const own = (server: string, ...tools: string[]): OwnName[] => tools.map((tool) => ({ server, tool }));

const serverName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const toolName = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,60}$/),
  fc.string({ minLength: 1, maxLength: 80, unit: "grapheme" }),
  fc.constantFrom(
    "a",
    "a__b",
    "_b",
    "b",
    "search",
    "x".repeat(49),
    "x".repeat(50),
    "a.b",
    "a_b",
    "__proto__",
    "constructor",
  ),
);
const tools = fc.uniqueArray(fc.record({ server: serverName, tool: toolName }), {
  selector: ({ server, tool }) => JSON.stringify([server, tool]),
  maxLength: 40,
});
const naming = fc.constantFrom("prefix", "transparent");

describe("exposeNames", () => {
  it("puts the server before the tool", () => {
    expect(exposeNames(own("files", "read", "write_file"), "prefix")).toEqual(["files__read", "files__write_file"]);
  });

  it("leaves the server out where the tool's name is unambiguous", () => {
    const names = exposeNames([...own("files", "read", "search"), ...own("web", "search")], "transparent");
    expect(names).toEqual(["read", "files__search", "web__search"]);
  });

  it("replaces what clients do not take, and marks the name with a hash", () => {
    expect(exposeNames(own("files", "admin.tools list"), "prefix")).toEqual([
      expect.stringMatching(/^files__admin_tools_list_[0-9a-f]{8}$/),
    ]);
    const [dot, underscore] = exposeNames(own("files", "a.b", "a_b"), "prefix");
    expect(dot).not.toBe(underscore);
  });

  it("keeps 49 characters and shortens 50, always to the same name", () => {
    expect(exposeNames(own("s", "x".repeat(46)), "prefix")).toEqual([`s__${"x".repeat(46)}`]);
    expect(exposeNames(own("s", "x".repeat(47)), "prefix")).toEqual([
      "s__xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_74a5a1eb",
    ]);
  });

  it("lets tools whose names meet both step aside", () => {
    const names = exposeNames([...own("a", "b"), ...own("x", "a__b"), ...own("c", "b")], "transparent");
    expect(names[0]).toMatch(/^a__b_[0-9a-f]{8}$/);
    expect(names[1]).toMatch(/^a__b_[0-9a-f]{8}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  it("gives unique names that every client takes", () => {
    fc.assert(
      fc.property(tools, naming, (all, how) => {
        const names = exposeNames(all, how);
        expect(new Set(names).size).toBe(all.length);
        for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,49}$/);
      }),
    );
  });

  it("gives the same names whatever the order", () => {
    fc.assert(
      fc.property(tools, naming, fc.infiniteStream(fc.nat()), (all, how, order) => {
        const keyed = all.map((entry) => ({ entry, key: order.next().value ?? 0 }));
        const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ entry }) => entry);
        const named = (list: OwnName[]) => new Map(exposeNames(list, how).map((name, index) => [name, list[index]]));
        expect(named(shuffled)).toEqual(named(all));
      }),
    );
  });

  it("needs no time worth speaking of for ten thousand tools", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ server: `s${index % 7}`, tool: `tool_${index}` }));
    const startedAt = performance.now();
    exposeNames(many, "transparent");
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
