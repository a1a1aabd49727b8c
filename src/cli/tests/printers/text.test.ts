import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toAge } from "../../src/printers/age.ts";
import { toJson, toYaml } from "../../src/printers/objects.ts";
import { formatTable } from "../../src/printers/table.ts";
import { displayWidth, oneLine, printable } from "../../src/printers/text.ts";

describe("displayWidth", () => {
  it.each([
    ["", 0],
    ["files", 5],
    ["ünï", 3],
    ["e\u0301", 1],
    ["美しい", 6],
    ["한국어", 6],
    ["ﾊﾝｶｸ", 4],
    ["ＦＵＬＬ", 8],
    ["👍", 2],
    ["👩‍🔬", 2],
    ["❤️", 2],
    ["a\u200bb", 2],
  ])("of %j is %i", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

describe("formatTable", () => {
  it("aligns columns by what a terminal shows", () => {
    const rows = [
      ["美しい", "x"],
      ["files", undefined],
      ["👍", "a\nb"],
    ];
    const lines = formatTable({ headers: ["Name", "Value"], rows, hasHeaders: true });
    expect(lines).toEqual(["NAME     VALUE", "美しい   x", "files    -", "👍       a ..."]);
  });

  it("of nothing is its header", () => {
    expect(formatTable({ headers: ["Name"], rows: [], hasHeaders: true })).toEqual(["NAME"]);
    expect(formatTable({ headers: ["Name"], rows: [], hasHeaders: false })).toEqual([]);
  });
});

describe("text from outside", () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom("\u001b[31m", "\u001b]0;x\u0007", "\u009b2J", "\r", "\n", "\u202e", "a"),
      fc.string(),
    ),
  });

  it("can neither colour, move the cursor, reorder nor begin a line", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(oneLine(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it("keeps its line breaks in a block, and nothing else", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(String(printable(text)).replaceAll("\n", "")).not.toMatch(
          /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u,
        );
      }),
    );
    expect(printable({ a: ["x\ny\u001b[1m"], b: 1, c: null })).toEqual({ a: ["x\ny"], b: 1, c: null });
  });

  it("is escaped in JSON and YAML, which lose nothing", () => {
    const value = { text: "\u009b2J\u202e\u007f\u001b[31m\u2028" };
    expect(JSON.parse(toJson(value))).toEqual(value);
    for (const printed of [toJson(value), toYaml(value)])
      expect(printed.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  });
});

describe("toAge", () => {
  const now = new Date("2026-01-10T00:00:00.000Z");
  it.each([
    ["2026-01-10T00:00:00.000Z", "0s"],
    ["2026-01-09T23:58:01.000Z", "119s"],
    ["2026-01-09T23:55:00.000Z", "5m"],
    ["2026-01-09T22:00:00Z", "2h"],
    ["2026-01-08T01:00:00.000Z", "47h"],
    ["2026-01-07T00:00:00.000Z", "3d"],
    ["2024-01-10T00:00:00.000Z", "731d"],
    ["2026-02-08T12:00:00.000Z", "in 29d"],
    ["2026-01-10T00:00:30.000Z", "in 30s"],
    ["never", "never"],
    ["2026-01-10", "2026-01-10"],
  ])("of %s is %s", (moment, age) => {
    expect(toAge(moment, now)).toBe(age);
  });
});
