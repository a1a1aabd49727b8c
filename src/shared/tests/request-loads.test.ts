import { describe, expect, it } from "vitest";
import { RequestLoads } from "../src/request-loads.ts";

const BOUNDS = { requestsPerCaller: 2, bodyBytesPerCaller: 100, bodyBytes: 150 };

describe("what requests hold", () => {
  it("is bounded in number for each caller, and another one does not feel it", () => {
    const loads = new RequestLoads(BOUNDS);
    const first = loads.begin("a");
    loads.begin("a");
    expect(() => loads.begin("a")).toThrow(expect.objectContaining({ code: "too-many-requests" }));
    loads.begin("b");
    first.end();
    loads.begin("a");
    expect(loads.requests).toBe(3);
  });

  it("is bounded in bytes for each caller and for all, and given back at the end", () => {
    const loads = new RequestLoads(BOUNDS);
    const [a, b] = [loads.begin("a"), loads.begin("b")];
    expect([a.take(100), a.take(1)]).toEqual([true, false]);
    expect([b.take(49), b.take(1)]).toEqual([true, false]);
    a.end();
    expect(b.take(10)).toBe(true);
    b.end();
    expect([loads.requests, loads.bodyBytes]).toEqual([0, 0]);
  });
});
