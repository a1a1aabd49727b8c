import fc from "fast-check";
import type { Discovery } from "@mcpctl/shared/api/contracts.ts";
import { McpctlError } from "@mcpctl/shared/errors.ts";
import { describe, expect, it } from "vitest";
import { NOTHING_SEEN } from "../../src/projects/server-catalogue.ts";
import { createProjectView, type ViewedServer } from "../../src/projects/project-view.ts";

const PROJECT: Discovery["project"] = { name: "demo", naming: "prefix", proxyModel: "default", tools: { deny: [] } };

function server(name: string, tools: string[], extra: Partial<ViewedServer<string>> = {}): ViewedServer<string> {
  const listed = tools.map((tool) => ({ name: tool, rest: '"inputSchema":{"type":"object"}}', legacyRest: undefined }));
  const lists = { ...NOTHING_SEEN.lists, tools: listed };
  return { ...NOTHING_SEEN, lists, source: name, name, policy: { deny: [] }, fault: undefined, ...extra };
}

function listed(servers: ViewedServer<string>[], project = {}) {
  const view = createProjectView({ ...PROJECT, ...project }, servers);
  return JSON.parse(Buffer.from(view.listResult("tools", "modern")).toString("utf8"));
}

const names = (result: { tools: { name: string }[] }) => result.tools.map(({ name }) => name);
const DOWN = new McpctlError("upstream-unavailable", "it is down");

describe("createProjectView", () => {
  it("lists by the exposed name, in the order of code points, byte for byte the same on every replica", () => {
    const servers = [server("web", ["b", "B", "a_"]), server("files", ["é", "z", "a"])];
    const first = createProjectView(PROJECT, servers);
    const second = createProjectView(
      PROJECT,
      servers
        .toReversed()
        .map((entry) => ({ ...entry, lists: { ...entry.lists, tools: entry.lists.tools.toReversed() } })),
    );
    expect(Buffer.from(second.listResult("tools", "modern")).equals(first.listResult("tools", "modern"))).toBe(true);
    expect(second.digests).toEqual(first.digests);
    expect(names(listed(servers))).toEqual(names(listed(servers)).toSorted());
  });

  it("says which servers are missing and why, in the list and in the instructions", () => {
    const servers = [
      server("good", ["a"], { instructions: "Be kind." }),
      server("bad", ["b"], { fault: DOWN, instructions: "Old." }),
    ];
    const result = listed(servers);
    expect(names(result)).toEqual(["good__a"]);
    expect(result._meta["mcpctl.io/conditions"]).toEqual([
      { server: "bad", code: "upstream-unavailable", message: "it is down" },
    ]);
    expect(result.ttlMs).toBe(1_000);
    expect(createProjectView(PROJECT, servers).instructions).toBe(
      "# Not available now\n\n- bad: it is down\n\n# good\n\nBe kind.",
    );
  });

  it("says how many malformed tools are left out", () => {
    const result = listed([
      server("files", ["a"], { omissions: [{ code: "upstream-protocol", message: "2 malformed tools are left out" }] }),
    ]);
    expect(result._meta["mcpctl.io/conditions"]).toEqual([
      { server: "files", code: "upstream-protocol", message: "2 malformed tools are left out" },
    ]);
  });

  it("says nothing of conditions when there are none", () => {
    expect(JSON.stringify(listed([server("files", ["a"])]))).not.toContain("conditions");
  });

  it("keeps the tools of a faulty server callable by name, so that a call can say what is wrong", () => {
    const view = createProjectView(PROJECT, [server("bad", ["b"], { fault: DOWN })]);
    expect(view.find("tools", "bad__b")).toEqual({ name: "b", source: "bad" });
  });

  it("does not rename a tool because the other of its name is down", () => {
    const both = [server("a", ["search"]), server("b", ["search"], { fault: DOWN })];
    expect(names(listed(both, { naming: "transparent" }))).toEqual(["a__search"]);
  });

  it("does not give a hidden tool away by the names of others", () => {
    const hidden = [server("a", ["search"]), server("b", ["search"], { policy: { deny: ["search"] } })];
    expect(names(listed(hidden, { naming: "transparent" }))).toEqual(["search"]);
  });

  it("finds no tool under a name that objects have by nature", () => {
    const view = createProjectView(PROJECT, [server("a", ["b"])]);
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect(view.find("tools", name)).toBeUndefined();
      expect(view.findByOwnName(name)).toBeUndefined();
    }
  });

  it("finds a tool by its own name, where only one that may be called goes by that", () => {
    const view = createProjectView({ ...PROJECT, tools: { deny: ["c__only"] } }, [
      server("a", ["both", "hidden", "mine"]),
      server("b", ["both", "hidden"], { policy: { deny: ["hidden"] } }),
      server("c", ["only"]),
    ]);
    expect(view.findByOwnName("mine")).toBe(view.find("tools", "a__mine"));
    expect(view.findByOwnName("hidden")).toBe(view.find("tools", "a__hidden"));
    expect(view.findByOwnName("both")).toBeUndefined();
    expect(view.findByOwnName("only")).toBeUndefined();
  });

  it("decides the same by the own name as by that which clients know, whatever the policies", () => {
    const toolNames = fc.uniqueArray(fc.constantFrom("a", "b", "c", "x__a"), { maxLength: 4 });
    const deny = fc.uniqueArray(fc.constantFrom("a", "b", "x__a", "y__b", "x*", "*"), { maxLength: 3 });
    const one = fc.record({ tools: toolNames, deny });
    fc.assert(
      fc.property(one, one, deny, fc.constantFrom("prefix", "transparent"), (x, y, denied, naming) => {
        const view = createProjectView({ ...PROJECT, naming, tools: { deny: denied } }, [
          server("x", x.tools, { policy: { deny: x.deny } }),
          server("y", y.tools, { policy: { deny: y.deny } }),
        ]);
        const exposed = names(JSON.parse(Buffer.from(view.listResult("tools", "modern")).toString()));
        const callable = new Set(exposed.map((name) => view.find("tools", name)));
        for (const name of ["a", "b", "c", "x__a"]) {
          const found = view.find("tools", name) ?? view.findByOwnName(name);
          if (found) expect(callable).toContain(found);
        }
      }),
    );
  });

  it("lets the resource that shows a tool follow its address", () => {
    const ui = (resourceUri: string) =>
      JSON.stringify({
        inputSchema: { type: "object" },
        _meta: { ui: { resourceUri, kept: 1 }, "ui/resourceUri": resourceUri },
      }).slice(1);
    const withUi = (name: string, uri: string) => {
      const tools = [{ name: "show", rest: ui(uri), legacyRest: undefined }];
      const resources = [{ name: uri, rest: '"name":"n"}', legacyRest: undefined }];
      return server(name, [], { lists: { ...NOTHING_SEEN.lists, tools, resources }, capabilities: { resources: {} } });
    };
    const uriOf = (servers: ViewedServer<string>[]) =>
      listed(servers).tools.map(({ _meta: meta }: { _meta: Record<string, unknown> }) => meta);
    expect(uriOf([withUi("a", "ui://x"), withUi("b", "ui://x"), withUi("c", "ui://y")])).toEqual([
      { ui: { resourceUri: "mcp+a:ui://x", kept: 1 }, "ui/resourceUri": "mcp+a:ui://x" },
      { ui: { resourceUri: "mcp+b:ui://x", kept: 1 }, "ui/resourceUri": "mcp+b:ui://x" },
      { ui: { resourceUri: "ui://y", kept: 1 }, "ui/resourceUri": "ui://y" },
    ]);
  });

  it("builds a list of ten thousand tools in no time worth speaking of", () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `tool_${index}`);
    const startedAt = performance.now();
    const view = createProjectView(PROJECT, [server("a", many), server("b", many)]);
    expect(view.listResult("tools", "modern").length).toBeGreaterThan(500_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
