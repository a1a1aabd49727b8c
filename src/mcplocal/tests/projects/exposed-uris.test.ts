import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exposeUris, matcherOf, readWithServer } from "../../src/projects/exposed-uris.ts";

const server = fc.oneof(fc.constantFrom("a", "b"), fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,5}[a-z0-9])?$/));
const plain = fc.oneof(fc.constantFrom("x:y", "mcp+a:x:y"), fc.webUrl());
/** Also addresses that look like those that are made of them. */
const uri = fc.oneof(
  plain,
  fc.tuple(server, plain).map(([name, own]) => `mcp+${name}:${own}`),
);
const owned = fc.uniqueArray(fc.record({ server, uri }), {
  selector: ({ server: name, uri: own }) => `${name} ${own}`,
  maxLength: 12,
});

describe("exposeUris", () => {
  it("leaves an address alone that only one server has", () => {
    expect(exposeUris([{ server: "a", uri: "file:///a" }])).toEqual(["file:///a"]);
  });

  it("names the server in an address that two have", () => {
    const both = ["a", "b"].map((name) => ({ server: name, uri: "file:///a" }));
    expect(exposeUris(both)).toEqual(["mcp+a:file:///a", "mcp+b:file:///a"]);
  });

  it("makes no two resources share an address, whatever servers call theirs", () => {
    fc.assert(
      fc.property(owned, (own) => {
        expect(new Set(exposeUris(own)).size).toBe(own.length);
      }),
    );
  });

  it("finds the same in whatever order", () => {
    fc.assert(
      fc.property(
        owned.chain((own) => fc.tuple(fc.constant(own), fc.shuffledSubarray(own, { minLength: own.length }))),
        ([own, shuffled]) => {
          const exposed = exposeUris(own);
          const again = exposeUris(shuffled);
          expect(own.map((one) => again[shuffled.indexOf(one)])).toEqual(exposed);
        },
      ),
    );
  });

  it("can be undone: what is exposed is the own address, or says whose it is and what", () => {
    fc.assert(
      fc.property(owned, (own) => {
        exposeUris(own).forEach((exposed, index) => {
          if (exposed !== own[index]?.uri) expect(readWithServer(exposed)).toEqual(own[index]);
        });
      }),
    );
  });
});

describe("readWithServer", () => {
  it.each(["file:///a", "mcp+", "mcp+a", "mcp:a:b"])("knows that %s names no server", (exposed) => {
    expect(readWithServer(exposed)).toBeUndefined();
  });
});

/** Tries every length of every expression. */
function naiveMatch(template: string, address: string): boolean {
  const parts = template.split(/\{[^{}]*\}/);
  const [first = "", ...rest] = parts;
  if (!address.startsWith(first)) return false;
  const left = address.slice(first.length);
  if (rest.length === 0) return left === "";
  const others = rest.join("{}");
  for (let at = 0; at <= left.length; at += 1) if (naiveMatch(others, left.slice(at))) return true;
  return false;
}

describe("matcherOf", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });
  const template = fc.array(fc.oneof(text, fc.constantFrom("{x}", "{+y}", "{/z*}")), { maxLength: 6 });

  it("agrees with one that tries everything", () => {
    fc.assert(
      fc.property(template, text, (parts, address) => {
        expect(matcherOf(parts.join(""))(address)).toBe(naiveMatch(parts.join(""), address));
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes what a template makes of any values", () => {
    fc.assert(
      fc.property(template, fc.array(text, { minLength: 6, maxLength: 6 }), (parts, values) => {
        const address = parts.map((part, at) => (part.startsWith("{") ? values[at] : part)).join("");
        expect(matcherOf(parts.join(""))(address)).toBe(true);
      }),
    );
  });

  it("does not try combinations", () => {
    const matches = matcherOf(`${"{x}a".repeat(2_000)}b`);
    const startedAt = performance.now();
    expect(matches("a".repeat(8_000))).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
