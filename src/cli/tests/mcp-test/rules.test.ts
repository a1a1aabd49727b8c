import { describe, expect, it } from "vitest";
import { testServer } from "../fakes/test-mcp.ts";
import { PLANTS } from "./plants.ts";

/** What only an endpoint elsewhere, or none, can break; tests of their own show them. */
const WITHOUT_PLANT = ["endpoint.reachable", "endpoint.encrypted", "endpoint.admitted", "endpoint.era"];

describe("a server that keeps every rule", () => {
  it("passes, and every check of it has a planted violation", async () => {
    const { code, bad, checks } = await testServer({});
    expect({ code, bad }).toEqual({ code: 0, bad: [] });
    const ids = checks.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !(id in PLANTS)).toSorted()).toEqual(WITHOUT_PLANT.toSorted());
    expect(Object.keys(PLANTS).filter((id) => !ids.includes(id))).toEqual([]);
  });
});

describe("a server that breaks one rule", () => {
  it.each(Object.keys(PLANTS))("fails %s and nothing else", async (id) => {
    const { bad, checks, code } = await testServer({ plant: PLANTS[id] });
    expect(bad).toEqual([id]);
    const found = checks.find((check) => check.id === id);
    expect(found?.seen).toMatch(/\S/);
    expect(code).toBe(found?.status === "fail" ? 9 : 0);
  });
});
