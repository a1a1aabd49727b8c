import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBoundedJson } from "../src/json.ts";

describe("parseBoundedJson", () => {
  it("agrees with the parser on everything that is not nested too deeply", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(parseBoundedJson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ["65 levels", "[".repeat(65) + "]".repeat(65)],
    ["200,000 levels", "[".repeat(200_000)],
    ["no JSON", "{a:1}"],
    ["nothing", ""],
  ])("refuses %s", (_, text) =>
    expect(() => parseBoundedJson(text)).toThrow(expect.objectContaining({ code: "bad-request" })),
  );

  it("counts no brackets inside strings", () => {
    const text = JSON.stringify('\\"[[['.repeat(100));
    expect(parseBoundedJson(text)).toBe(JSON.parse(text));
  });

  it("refuses bytes that are no UTF-8", () => {
    expect(() => parseBoundedJson(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(
      expect.objectContaining({ code: "bad-request" }),
    );
  });
});
