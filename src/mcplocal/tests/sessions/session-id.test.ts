import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSessionId, readSessionId } from "../../src/sessions/session-id.ts";

const OWNER = { sha: "5ha", project: "demo" };
const start = fc.record({
  protocolVersion: fc.constantFrom("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"),
  capabilities: fc.option(
    fc.dictionary(
      fc.constantFrom("elicitation", "sampling", "roots"),
      fc.dictionary(fc.string(), fc.boolean(), { maxKeys: 3 }),
    ),
    { nil: undefined },
  ),
});

describe("the id of a session", () => {
  it("brings back what the client declared, to its own token and project", () => {
    fc.assert(
      fc.property(start, (declared) => {
        const id = makeSessionId(OWNER, declared);
        expect(id).toMatch(/^[\x21-\x7e]{24,2048}$/);
        expect(readSessionId(id, OWNER)).toEqual(declared);
        expect(readSessionId(id, { ...OWNER, sha: "other" })).toBeUndefined();
        expect(readSessionId(id, { ...OWNER, project: "other" })).toBeUndefined();
      }),
    );
  });

  it("says nothing any more once a character of it is another", () => {
    fc.assert(
      fc.property(start, fc.nat(), fc.constantFrom("A", "b", ".", "-"), (declared, place, character) => {
        const id = makeSessionId(OWNER, declared);
        const at = place % id.length;
        fc.pre(id[at] !== character);
        const changed = id.slice(0, at) + character + id.slice(at + 1);
        expect(readSessionId(changed, OWNER)).toBeUndefined();
      }),
    );
  });

  it("is never the same twice", () => {
    const declared = { protocolVersion: "2025-11-25", capabilities: undefined };
    expect(makeSessionId(OWNER, declared)).not.toBe(makeSessionId(OWNER, declared));
  });

  it("stays short, whatever the client declares: then only this process knows the session", () => {
    const capabilities = { elicitation: { filler: "x".repeat(3_000) } };
    const id = makeSessionId(OWNER, { protocolVersion: "2025-11-25", capabilities });
    expect(id).toMatch(/^[\w-]{24}$/);
    expect(readSessionId(id, OWNER)).toBeUndefined();
  });

  it.each(["", "a", "a.b", "a.b.c", "a.b.c.d", "..", "x".repeat(5_000)])("is not %s", (id) => {
    expect(readSessionId(id, OWNER)).toBeUndefined();
  });
});
