import type { UpstreamReply } from "@mcpctl/shared/mcp/upstream.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adaptReply, saysToolError } from "../../src/pipeline/adapt-reply.ts";

const result = (json: string): UpstreamReply => ({ kind: "result", json: Buffer.from(json) });
const error = (json: string): UpstreamReply => ({ kind: "error", json: Buffer.from(json) });
const adapt = (reply: UpstreamReply, upstreamEra: "legacy" | "modern", clientEra: "legacy" | "modern") =>
  Buffer.from(adaptReply(reply, { method: "tools/call", subject: 'tool "t"', upstreamEra, clientEra }).json).toString(
    "utf8",
  );

describe("adaptReply", () => {
  it.each([
    ["{}", '{"resultType":"complete"}'],
    ["{ \n }", '{"resultType":"complete" \n }'],
    ['{"content":[]}', '{"resultType":"complete","content":[]}'],
    ['{ "content":[]}', '{"resultType":"complete", "content":[]}'],
    ['{"a":{"resultType":"input_required"}}', '{"resultType":"complete","a":{"resultType":"input_required"}}'],
    ['{"a":"\\"resultType\\":\\"task\\""}', '{"resultType":"complete","a":"\\"resultType\\":\\"task\\""}'],
  ])("completes %s for a stateless client", (json, expected) => {
    expect(adapt(result(json), "legacy", "modern")).toBe(expected);
    expect(adapt(result(json), "modern", "modern")).toBe(expected);
    expect(adapt(result(json), "legacy", "legacy")).toBe(json);
  });

  it.each(['{"resultType":"input_required","inputRequests":{}}', '{"inputRequests":{},"resultType":"input_required"}'])(
    "passes %s on between those who know that form, for methods that may have it",
    (json) => {
      expect(adapt(result(json), "modern", "modern")).toBe(json);
      for (const [server, client] of [
        ["legacy", "modern"],
        ["modern", "legacy"],
      ] as const)
        expect(() => adapt(result(json), server, client)).toThrow(/cannot be used: it asks for input/);
      const hop = { method: "prompts/list", subject: "the list", upstreamEra: "modern", clientEra: "modern" } as const;
      expect(() => adaptReply(result(json), hop)).toThrow("prompts/list may not ask for input");
    },
  );

  it("leaves what is complete as it is", () => {
    for (const json of [
      '{"resultType":"complete","content":[]}',
      '{"content":[],"resultType":"complete"}',
      '{"resultType" : "complete"}',
    ]) {
      expect(adapt(result(json), "modern", "modern")).toBe(json);
      expect(adapt(result(json), "modern", "legacy")).toBe(json);
    }
  });

  it.each([
    '{"result\\u0054ype":"task","x":"resultType","\\"resultType\\"":1}',
    '{"resultType":"task","taskId":"1"}',
    '{"resultType":7}',
    "null",
    "[]",
    '"text"',
    "7",
  ])("never passes %s on as a success", (json) => {
    const isSeen = !json.includes("\\u0054");
    for (const clientEra of ["legacy", "modern"] as const) {
      if (isSeen)
        expect(() => adapt(result(json), "modern", clientEra)).toThrow(
          expect.objectContaining({ code: "upstream-protocol" }),
        );
    }
  });

  it("keeps any result what it is, but for its type", () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue()).filter((value) => !Object.hasOwn(value, "resultType"));
    fc.assert(
      fc.property(objects, fc.constantFrom(0, 2), (value, indent) => {
        const json = JSON.stringify(value, null, indent);
        expect(JSON.parse(adapt(result(json), "legacy", "modern"))).toEqual({
          resultType: "complete",
          ...JSON.parse(json),
        });
      }),
    );
  });

  it("passes errors of tools on as they are", () => {
    const json = '{"code":-32602,"message":"no","data":{"a":1}}';
    expect(adapt(error(json), "modern", "legacy")).toBe(json);
  });

  it.each([
    '{"code":-32020,"message":"m"}',
    '{"code":-32022,"message":"m"}',
    '{"code":-32042,"message":"m"}',
    "7",
    "{}",
    '{"code":"x","message":"m"}',
  ])("does not pass on errors that speak of another hop, or are none: %s", (json) => {
    expect(() => adapt(error(json), "modern", "modern")).toThrow(
      expect.objectContaining({ code: "upstream-protocol" }),
    );
  });
});

describe("saysToolError", () => {
  it.each([
    ['{"isError":true,"content":[]}', true],
    ['{"content":[],"isError": true}', true],
    ['{"content":[],"isError":false}', false],
    ['{"content":[]}', false],
    ['{"content":[{"type":"text","text":"\\"isError\\":true"}]}', false],
    ['{"structuredContent":{"isError":true}}', false],
    [`{"content":"${"x".repeat(1_000)}","isError":true}`, true],
  ])("reads %s", (json, expected) => {
    expect(saysToolError(result(json))).toBe(expected);
  });
});
