import { describe, expect, it } from "vitest";
import * as z from "zod";
import { hasSecretFields, putSecrets, takeSecrets } from "../../src/kinds/secret-fields.ts";

const hidden = z.string().meta({ secret: true });
const schema = z.strictObject({
  open: z.string(),
  plain: hidden.describe("Described later."),
  wrapped: hidden.optional(),
  nested: z.strictObject({ inner: hidden.default("") }).optional(),
  byName: z.record(z.string(), hidden).default({}),
  oneOf: z.union([z.strictObject({ key: hidden }), z.strictObject({ file: z.string() })]).optional(),
  list: z.array(z.strictObject({ name: z.string(), value: hidden })).optional(),
});
const full = {
  open: "o",
  plain: "1",
  wrapped: "2",
  nested: { inner: "3" },
  byName: { a: "4", "b.c": "5" },
  oneOf: { key: "6" },
  list: [{ name: "n", value: "7" }],
};

describe("marked fields", () => {
  it("are found in whatever a schema is made of", () => {
    const { masked, secrets } = takeSecrets(schema, full);
    expect([...secrets.entries()]).toEqual([
      ["plain", "1"],
      ["wrapped", "2"],
      ["nested.inner", "3"],
      ["byName.a", "4"],
      ["byName.b.c", "5"],
      ["oneOf.key", "6"],
      ["list[0].value", "7"],
    ]);
    expect(JSON.stringify(masked)).not.toMatch(/"[1-7]"/);
    expect(masked).toMatchObject({ open: "o", byName: { a: "[redacted]" }, list: [{ name: "n" }] });
    expect(putSecrets(schema, masked, { secrets, onMissing: expect.unreachable })).toEqual(full);
  });

  it("tell of a mask that stands for nothing", () => {
    const missing: string[] = [];
    putSecrets(schema, { plain: "[redacted]" } as never, {
      secrets: new Map(),
      onMissing: (path) => void missing.push(path),
    });
    expect(missing).toEqual(["plain"]);
  });

  it("cost nothing where there are none", () => {
    const open = z.strictObject({ a: z.array(z.string()) });
    const value = { a: ["[redacted]"] };
    expect(hasSecretFields(open)).toBe(false);
    expect(takeSecrets(open, value).masked).toBe(value);
  });
});
