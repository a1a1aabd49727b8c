import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { REQUIREMENTS } from "./requirements.ts";

it("has an end-to-end test for every requirement", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
  const sources = files.map((name) => readFileSync(join(import.meta.dirname, name), "utf8")).join("\n");
  expect(Object.keys(REQUIREMENTS).filter((id) => !sources.includes(`verifies("${id}"`))).toEqual([]);
});
