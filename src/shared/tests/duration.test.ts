import { describe, expect, it } from "vitest";
import { parseTtl } from "../src/duration.ts";

describe("parseTtl", () => {
  it.each([
    ["never", "never"],
    ["30d", { afterSeconds: 2_592_000 }],
    ["15m", { afterSeconds: 900 }],
    ["2w", { afterSeconds: 1_209_600 }],
    ["2027-01-31T00:00:00+01:00", { at: "2027-01-30T23:00:00.000Z" }],
  ])("reads %s", (text, ttl) => expect(parseTtl(text)).toEqual(ttl));

  it.each(["", "0d", "-1d", "1.5h", "30", "d", "2027-01-31", "2027-13-01T00:00:00Z", "999999999w", "soon"])(
    "refuses %j",
    (text) => {
      expect(() => parseTtl(text)).toThrow(expect.objectContaining({ code: "invalid", hint: expect.any(String) }));
    },
  );
});
