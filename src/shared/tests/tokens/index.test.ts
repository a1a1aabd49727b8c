import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  generateToken,
  hashToken,
  isMcpToken,
  isSessionToken,
  SESSION_PREFIX,
  timingSafeEqualHex,
  TOKEN_PREFIX,
} from "../../src/tokens/index.ts";

describe("generateToken", () => {
  it("gives every token the prefix and 43 base62 characters", () => {
    for (let i = 0; i < 500; i += 1) expect(generateToken().raw).toMatch(/^mcpctl_pat_[0-9A-Za-z]{43}$/);
  });

  it("never gives the same token twice", () => {
    expect(new Set(Array.from({ length: 500 }, () => generateToken().raw)).size).toBe(500);
  });

  it("comes with the SHA-256 of the raw form", () => {
    const { raw, sha } = generateToken();
    expect(sha).toBe(createHash("sha256").update(raw).digest("hex"));
    expect(sha).toBe(hashToken(raw));
  });

  it("tells sessions from tokens by their prefix", () => {
    const session = generateToken(SESSION_PREFIX).raw;
    expect([isSessionToken(session), isMcpToken(session)]).toEqual([true, false]);
    const token = generateToken(TOKEN_PREFIX).raw;
    expect([isSessionToken(token), isMcpToken(token)]).toEqual([false, true]);
  });
});

describe("isMcpToken", () => {
  it.each([
    "",
    "mcpctl_pat_",
    `mcpctl_pat_${"a".repeat(42)}`,
    `mcpctl_pat_${"a".repeat(44)}`,
    `mcpctl_pat_${"-".repeat(43)}`,
  ])("refuses %j", (text) => expect(isMcpToken(text)).toBe(false));
});

describe("timingSafeEqualHex", () => {
  it("agrees with plain comparison on hex of any length", () => {
    const hex = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("hex"));
    fc.assert(fc.property(hex, hex, (a, b) => timingSafeEqualHex(a, b) === (a === b) && timingSafeEqualHex(a, a)));
  });

  it.each([
    ["", ""],
    ["abc", "abc"],
    ["zz", "zz"],
    ["aa", "aabb"],
  ])("never matches %j and %j, which are no hex of one length", (a, b) => {
    expect(timingSafeEqualHex(a, b)).toBe(false);
  });
});
