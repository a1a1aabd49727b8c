import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isToolAllowed } from "../../src/kinds/tool-policy.ts";

describe("isToolAllowed", () => {
  it("allows all without allow, nothing with an empty one", () => {
    expect(isToolAllowed({ deny: [] }, "x")).toBe(true);
    expect(isToolAllowed({ allow: [], deny: [] }, "x")).toBe(false);
  });

  it("lets deny win over allow", () => {
    expect(isToolAllowed({ allow: ["*"], deny: ["delete_*"] }, "delete_repo")).toBe(false);
    expect(isToolAllowed({ allow: ["*"], deny: ["delete_*"] }, "get_repo")).toBe(true);
  });

  it("matches patterns as the regular expression they stand for", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
    fc.assert(
      fc.property(
        word.filter((w) => w !== ""),
        word,
        (pattern, name) => {
          const escaped = pattern.replaceAll(".", "\\.").replaceAll("*", ".*");
          return isToolAllowed({ allow: [pattern], deny: [] }, name) === new RegExp(`^${escaped}$`).test(name);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
