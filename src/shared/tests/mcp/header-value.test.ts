import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHeaderValue, encodeHeaderValue } from "../../src/mcp/header-value.ts";

describe("encodeHeaderValue", () => {
  it.each([
    ["us-west1", "us-west1"],
    ["Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="],
    [" padded ", "=?base64?IHBhZGRlZCA=?="],
    ["line1\nline2", "=?base64?bGluZTEKbGluZTI=?="],
    ["=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="],
    ["", "=?base64??="],
  ])("writes %j as %s", (value, header) => {
    expect(encodeHeaderValue(value)).toBe(header);
  });

  it("is undone by decodeHeaderValue, and is always a safe header", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        const header = encodeHeaderValue(value);
        expect(header).toMatch(/^[\x21-\x7e][\x20-\x7e\t]*$/);
        expect(decodeHeaderValue(header)).toBe(value);
      }),
    );
  });
});

describe("decodeHeaderValue", () => {
  it.each([
    ["bytes outside of ASCII", "caf\u00e9"],
    ["marks around something else", "=?base64?***?="],
    ["base64 of no UTF-8", "=?base64?/w==?="],
  ])("refuses %s", (_, header) => {
    expect(decodeHeaderValue(header)).toBeUndefined();
  });

  it("takes marks in other letters for what they are", () => {
    expect(decodeHeaderValue("=?BASE64?YQ==?=")).toBe("=?BASE64?YQ==?=");
  });
});
