import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createResourceTable } from "../../src/projects/resource-table.ts";

interface Offer {
  uris?: string[];
  templates?: string[];
  hasResources?: boolean;
}

function tableOf(servers: Readonly<Record<string, Offer>>) {
  return createResourceTable(
    Object.entries(servers).map(([name, { uris = [], templates = [], hasResources = true }]) => ({
      source: `at ${name}`,
      name,
      hasResources,
      uris,
      templates,
    })),
  );
}

describe("the owner of a resource", () => {
  it("is who lists it", () => {
    const table = tableOf({ a: { uris: ["x:1"] }, b: { templates: ["x:{n}"] } });
    expect(table.ownersOf("x:1")).toEqual([{ source: "at a", uri: "x:1" }]);
  });

  it("is who has a template for it, where nobody lists it", () => {
    const table = tableOf({ a: { templates: ["y:{n}"] }, b: { templates: ["x:{n}"] }, c: {} });
    expect(table.ownersOf("x:1")).toEqual([{ source: "at b", uri: "x:1" }]);
  });

  it("may be anybody with resources, where nobody speaks of it", () => {
    const table = tableOf({ a: { hasResources: false }, b: {}, c: {} });
    expect(table.ownersOf("x:1").map(({ source }) => source)).toEqual(["at b", "at c"]);
  });

  it("is the one that its address names, listed or not", () => {
    const table = tableOf({ a: { uris: ["x:1"] }, b: { uris: ["x:1"] } });
    expect(table.ownersOf("mcp+b:x:1")).toEqual([{ source: "at b", uri: "x:1" }]);
    expect(table.ownersOf("mcp+b:x:2")).toEqual([{ source: "at b", uri: "x:2" }]);
    expect(table.ownersOf("x:1").map(({ source }) => source)).toEqual(["at a", "at b"]);
  });
});

describe("the owner of a template", () => {
  it("is who has that very template, before others that could make the same text", () => {
    const table = tableOf({ a: { templates: ["{+anything}"] }, b: { templates: ["x:{n}"] } });
    expect(table.templateOwner("x:{n}")).toEqual({ source: "at b", uri: "x:{n}" });
    expect(table.templateOwner("x:{m}")).toBeUndefined();
  });

  it("is the one that it names, where two have it", () => {
    const table = tableOf({ a: { templates: ["x:{n}"] }, b: { templates: ["x:{n}"] } });
    expect(table.exposed.map(({ templates }) => templates)).toEqual([["mcp+a:x:{n}"], ["mcp+b:x:{n}"]]);
    expect(table.templateOwner("mcp+b:x:{n}")).toEqual({ source: "at b", uri: "x:{n}" });
  });

  it("has what the template makes renamed like it, unless it is listed under its own address", () => {
    const table = tableOf({ a: { templates: ["x:{n}"], uris: ["x:0"] }, b: { templates: ["x:{n}"] } });
    expect(table.exposedUri({ server: "a", uri: "x:1" })).toBe("mcp+a:x:1");
    expect(table.exposedUri({ server: "a", uri: "x:0" })).toBe("x:0");
    expect(table.exposedUri({ server: "a", uri: "y:0" })).toBe("y:0");
    expect(table.ambiguous).toEqual(new Set(["a", "b"]));
  });
});

describe("a table of resources", () => {
  const uris = fc.uniqueArray(fc.constantFrom("x:1", "x:2", "x:3", "mcp+a:x:1", "mcp+b:x:1"), { maxLength: 4 });
  const servers = fc.record({ a: uris, b: uris, c: uris });

  it("leads every exposed address back to its server and the address there, and only there", () => {
    fc.assert(
      fc.property(servers, (all) => {
        const offers = Object.entries(all);
        const table = tableOf(Object.fromEntries(offers.map(([name, own]) => [name, { uris: own }])));
        offers.forEach(([name, own], at) =>
          own.forEach((uri, index) => {
            const exposed = table.exposed[at]?.uris[index] ?? "";
            expect(table.ownersOf(exposed)).toEqual([{ source: `at ${name}`, uri }]);
            expect(table.exposedUri({ server: name, uri })).toBe(exposed);
            expect(table.ambiguous.has(name) || exposed === uri).toBe(true);
          }),
        );
      }),
    );
  });
});
