import { describe, expect, it } from "vitest";
import { toHeaderBlock } from "../../src/http1/header-block.ts";

describe("toHeaderBlock", () => {
  it("writes a line for each header", () => {
    expect(toHeaderBlock({ Accept: "*/*", "x-key": "a b" })).toBe("Accept: */*\r\nx-key: a b\r\n");
  });

  it.each([
    ["x-a", "1\r\nx-b: 2"],
    ["x-a", "1\nx-b: 2"],
    ["x-a", "1\0"],
    ["x-a", "€"],
    ["x a", "1"],
    ["x:a", "1"],
    ["", "1"],
  ])("refuses %j: %j", (name, value) => {
    expect(() => toHeaderBlock({ [name]: value })).toThrow(expect.objectContaining({ code: "invalid" }));
  });
});
