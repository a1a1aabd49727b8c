import { McpctlError } from "@mcpctl/shared/errors.ts";
import { describe, expect, it } from "vitest";
import { parseManifests } from "../src/manifests.ts";

const SERVER = "kind: Server\nmetadata: { name: files }\nspec:\n  command: node\n";

function parse(...texts: string[]) {
  return parseManifests(
    texts.map((text, at) => ({ name: `${"abc"[at]}.yaml`, text })),
    "whole",
  );
}

/** Message, fields and hint of the refusal, one line each. */
function refusal(...texts: string[]): string[] {
  try {
    parse(...texts);
  } catch (thrown) {
    if (!(thrown instanceof McpctlError)) throw thrown;
    expect(thrown.code).toBe("invalid");
    const fields = thrown.fields
      .map(({ path, message }) => `${path}: ${message}`)
      .filter((field) => field !== thrown.message);
    return [thrown.message, ...fields, ...(thrown.hint === undefined ? [] : [`Hint: ${thrown.hint}`])];
  }
  throw new Error("It was accepted");
}

describe("parseManifests", () => {
  it("gives objects exactly as they were written, without defaults", () => {
    const [manifest] = parse(SERVER);
    expect(manifest).toMatchObject({ name: "files", kind: { kind: "Server" } });
    expect(manifest?.written).toEqual({ kind: "Server", metadata: { name: "files" }, spec: { command: "node" } });
  });

  it("reads several documents, several files and lists", () => {
    const list = JSON.stringify({
      apiVersion: "mcpctl.io/v1",
      kind: "List",
      metadata: { resourceVersion: "42" },
      items: [{ kind: "Group", metadata: { name: "devs" }, spec: {} }],
    });
    const manifests = parse(`${SERVER}---\nkind: Project\nmetadata: { name: demo }\nspec: {}\n`, list);
    expect(manifests.map(({ kind, name }) => `${kind.kind}/${name}`)).toEqual([
      "Server/files",
      "Project/demo",
      "Group/devs",
    ]);
  });

  it("takes what the server filled in, so that the output of get comes back", () => {
    const observed =
      "  uid: 00000000-0000-4000-8000-000000000001\n  generation: 1\n  createdAt: 2026-01-01T00:00:00.000Z\n";
    expect(parse(`kind: Group\nmetadata:\n  name: devs\n${observed}spec: {}\nstatus: { anything: 1 }\n`)).toHaveLength(
      1,
    );
  });

  it("suggests the field that was meant, and does not also complain that it is missing", () => {
    expect(refusal(SERVER.replace("command", "comand"))).toEqual([
      "a.yaml:4:3: spec.comand: unknown field",
      'Hint: Did you mean "command"?',
    ]);
  });

  it("suggests the kind that was meant", () => {
    expect(refusal(SERVER.replace("Server", "Sever"))).toEqual([
      'a.yaml:1:1: kind: unknown kind "Sever"',
      'Hint: Did you mean "Server"?',
    ]);
    expect(refusal(SERVER.replace("Server", "server"))).toContain('Hint: Did you mean "Server"?');
    expect(refusal(SERVER.replace("Server", "Deployment"))[0]).toMatch(
      /unknown kind "Deployment"; the kinds are Server, /,
    );
  });

  it("refuses another API version", () => {
    expect(refusal(`apiVersion: v1\n${SERVER}`)[0]).toMatch(/^a\.yaml:1:1: apiVersion: .*mcpctl\.io\/v1/);
  });

  it("says what is required where its object begins", () => {
    expect(refusal("spec: {}\n")).toEqual(["a.yaml:1:1: kind: is required, such as Server"]);
    expect(refusal("kind: Group\nspec: {}\n")).toEqual(["a.yaml:1:1: metadata: is required"]);
    expect(refusal("kind: Group\nmetadata: {}\nspec: {}\n")).toEqual(["a.yaml:2:1: metadata.name: is required"]);
  });

  it.each([
    ["a list", "- kind: Server\n"],
    ["a word", "hello\n"],
  ])("refuses %s that stands for an object", (_, text) => {
    expect(refusal(text)[0]).toMatch(/^a\.yaml:1:\d: is no object/);
  });

  it("refuses a file that holds nothing", () => {
    expect(refusal("# nothing yet\n")[0]).toBe("a.yaml: no object in it");
  });

  it("collects the faults of all files, each with its place", () => {
    const broken = "kind: Group\nmetadata: { name: devs }\nspec: { members: [ALICE] }\n";
    expect(refusal(`${SERVER}---\n${broken}`, "a: [", SERVER.replace("node", "5"))).toEqual([
      "3 faults in the manifests; nothing was sent",
      expect.stringMatching(/^a\.yaml:8:19: spec\.members\[0\]: must consist of/),
      expect.stringMatching(/^b\.yaml:1:5: flow sequence/),
      expect.stringMatching(/^c\.yaml:4:3: spec\.command: /),
    ]);
  });

  it("places a fault inside a list and inside an alias", () => {
    const list = "kind: List\nitems:\n  - kind: Group\n    metadata: { name: devs }\n    spec: { membrs: [] }\n";
    expect(refusal(list)[0]).toBe("a.yaml:5:13: items[0].spec.membrs: unknown field");
    const alias =
      "kind: Project\nmetadata: { name: demo, labels: &l { a: 'b c' } }\nspec: {}\n---\nkind: Group\nmetadata: { name: g }\n";
    expect(refusal(alias)[1]).toMatch(/^a\.yaml:2:38: metadata\.labels\.a: is not a label value/);
  });

  it("asks of an object that is only named nothing but its name", () => {
    const sources = [{ name: "a.yaml", text: "kind: Server\nmetadata: { name: files }\nspec: { bogus: 1 }\n" }];
    expect(parseManifests(sources, "identity").map(({ name }) => name)).toEqual(["files"]);
    expect(() => parseManifests([{ name: "a.yaml", text: "kind: Server\nspec: {}\n" }], "identity")).toThrow(
      /metadata/,
    );
  });
});
