import { describe, expect, it } from "vitest";
import { findKind, getKind, KINDS, kindWords, RBAC_RESOURCES, RESOURCE_ALIASES } from "../../src/kinds/index.ts";
import { manifestSchema } from "../../src/kinds/kind.ts";
import { servers } from "../../src/kinds/servers.ts";
import { parseWith } from "../../src/validate.ts";

describe("getKind", () => {
  it("finds a kind by each of its words, in any case", () => {
    for (const kind of KINDS) for (const word of kindWords(kind)) expect(getKind(word.toUpperCase())).toBe(kind);
  });

  it("suggests the nearest word", () => {
    expect(() => getKind("serverz")).toThrow(
      expect.objectContaining({ code: "invalid", hint: 'Did you mean "Server"?' }),
    );
    expect(findKind("zebra")).toBeUndefined();
  });
});

describe("the RBAC vocabulary", () => {
  it("holds every plural, and every other word as an alias of one", () => {
    expect(RBAC_RESOURCES).toEqual(["*", ...KINDS.map((kind) => kind.plural)]);
    expect(RESOURCE_ALIASES).toMatchObject({
      server: "servers",
      srv: "servers",
      token: "mcptokens",
      mcptoken: "mcptokens",
    });
  });
});

describe("a server's manifest", () => {
  const parse = (spec: unknown) =>
    parseWith(manifestSchema(servers), { kind: "Server", metadata: { name: "x" }, spec }, "The server");
  const failure = (spec: unknown) => {
    try {
      parse(spec);
    } catch (error) {
      return error as { code: string; message: string; hint?: string; fields: { path: string; message: string }[] };
    }
    throw new Error("it was accepted");
  };

  it("fills in defaults", () => {
    expect(parse({ command: "node" })).toMatchObject({
      apiVersion: "mcpctl.io/v1",
      metadata: { labels: {}, annotations: {} },
      spec: { args: [], env: [], replicas: 1, tools: { deny: [] } },
    });
  });

  it("needs exactly one of command, package and url", () => {
    expect(failure({}).message).toContain("exactly one of command, package and url; none is given");
    expect(failure({ command: "a", url: "https://x.test" }).message).toContain("command and url are given");
  });

  it("answers an unknown field with the nearest known one", () => {
    expect(failure({ comand: "node" })).toMatchObject({ code: "invalid", hint: 'Did you mean "command"?' });
    expect(failure({ command: "x", env: [{ name: "A", valu: "b" }] }).fields).toContainEqual({
      path: "spec.env[0].valu",
      message: 'unknown field, did you mean "value"?',
    });
  });

  it.each([
    ["a range as version", { package: { npm: "x", version: "^1.0.0" } }, "spec.package.version"],
    ["headers without url", { command: "x", headers: [{ name: "A", value: "b" }] }, "spec.headers"],
    ["args with url", { url: "https://x.test", args: ["a"] }, "spec.args"],
    [
      "a variable twice",
      {
        command: "x",
        env: [
          { name: "A", value: "1" },
          { name: "A", value: "2" },
        ],
      },
      "spec.env",
    ],
    [
      "a value and a secret",
      { command: "x", env: [{ name: "A", value: "1", secretRef: { name: "s", key: "k" } }] },
      "spec.env[0]",
    ],
    ["a file URL", { url: "file:///etc/passwd" }, "spec.url"],
  ])("refuses %s", (_, spec, path) => {
    expect(failure(spec).fields.map((field) => field.path)).toContain(path);
  });

  it("refuses a name that looks like an id", () => {
    const manifest = {
      kind: "Server",
      metadata: { name: "123e4567-e89b-12d3-a456-426614174000" },
      spec: { command: "x" },
    };
    expect(() => parseWith(manifestSchema(servers), manifest, "The server")).toThrow(/shape of a uid/);
  });
});
