import { hashToken, generateToken } from "@mcpctl/shared/tokens/index.ts";
import { describe, expect, it } from "vitest";
import { parseBearer } from "../../src/auth/bearer.ts";

const { raw } = generateToken();

describe("parseBearer", () => {
  it("takes the token out of the header", () => {
    expect(hashToken(parseBearer(`Bearer ${raw}`))).toBe(hashToken(raw));
    expect(parseBearer(`bearer ${raw}`)).toBe(raw);
  });

  it.each([
    ["nothing", undefined],
    ["an empty header", ""],
    ["another scheme", `Basic ${raw}`],
    ["no scheme", raw],
    ["two tokens", `Bearer ${raw}, Bearer ${raw}`],
    ["a token of another kind", "Bearer mcpctl_ses_0000000000000000000000000000000000000000000"],
    ["a token that is too short", `Bearer ${raw.slice(0, -1)}`],
    ["a token that is too long", `Bearer ${raw}0`],
    ["letters that are not ASCII", `Bearer ${raw.slice(0, -1)}é`],
    ["two spaces", `Bearer  ${raw}`],
    ["something behind the token", `Bearer ${raw} x`],
    ["a header without end", `Bearer ${"x".repeat(100_000)}`],
  ])("refuses %s, always in the same words", (_, header) => {
    expect(() => parseBearer(header)).toThrow("A valid token is needed");
  });
});
