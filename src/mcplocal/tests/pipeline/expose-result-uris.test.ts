import { describe, expect, it } from "vitest";
import { exposeResultUris } from "../../src/pipeline/expose-result-uris.ts";

const expose = (uri: string) => (uri.startsWith("x:") ? `mcp+a:${uri}` : uri);
const link = (uri: string) => ({ type: "resource_link", uri, name: "n" });
const embedded = (uri: string) => ({ type: "resource", resource: { uri, text: "x:1" } });

function rewrite(method: string, json: string): string {
  const reply = exposeResultUris({ kind: "result", json: Buffer.from(json) }, method, expose);
  return Buffer.from(reply.json).toString();
}

describe("addresses of resources in a result", () => {
  it.each([
    [
      "tools/call",
      { content: [link("x:1"), embedded("x:2"), link("y:1"), { type: "text", text: '"uri":"x:1"' }] },
      { content: [link("mcp+a:x:1"), embedded("mcp+a:x:2"), link("y:1"), { type: "text", text: '"uri":"x:1"' }] },
    ],
    [
      "prompts/get",
      { messages: [{ role: "user", content: embedded("x:1") }, { role: "user", content: [link("x:2")] }, "odd"] },
      {
        messages: [
          { role: "user", content: embedded("mcp+a:x:1") },
          { role: "user", content: [link("mcp+a:x:2")] },
          "odd",
        ],
      },
    ],
    [
      "resources/read",
      { contents: [{ uri: "x:1", text: "x:1" }, { uri: "y:1" }, null] },
      { contents: [{ uri: "mcp+a:x:1", text: "x:1" }, { uri: "y:1" }, null] },
    ],
  ])("of %s become those that clients know", (method, own, exposed) => {
    expect(JSON.parse(rewrite(method, JSON.stringify(own)))).toEqual(exposed);
  });

  it("are looked for in what clients take for resources alone, and the rest stays as it is, to the byte", () => {
    const structured = '"structuredContent" : {"uri": "x:1", "n": 12345678901234567890, "f": 1.0}';
    const json = `{"resultType":"complete", ${structured} , "content":[{"type":"resource_link","uri":"x:1"}]}`;
    expect(rewrite("tools/call", json)).toBe(
      `{"resultType":"complete","structuredContent":{"uri": "x:1", "n": 12345678901234567890, "f": 1.0},` +
        `"content":[{"type":"resource_link","uri":"mcp+a:x:1"}]}`,
    );
  });

  it.each([
    ["tools/call", '{ "content": [{"type":"resource_link","uri":"y:1"}] }'],
    ["tools/call", '{ "content": "uri" }'],
    ["tools/call", '{ "content": {"uri":oops} }'],
    ["tools/call", '{ "uri": "x:1" }'],
    ["completion/complete", '{ "contents": [{"uri":"x:1"}] }'],
  ])("change nothing where there are none: %s %s", (method, json) => {
    expect(rewrite(method, json)).toBe(json);
  });

  it("are not looked for in errors", () => {
    const reply = { kind: "error", json: Buffer.from('{"contents":[{"uri":"x:1"}]}') } as const;
    expect(exposeResultUris(reply, "resources/read", expose)).toBe(reply);
  });
});
