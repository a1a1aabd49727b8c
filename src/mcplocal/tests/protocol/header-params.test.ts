import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeHeaderValue } from "@mcpctl/shared/mcp/header-value.ts";
import { HeaderLines } from "../../src/http1/header-lines.ts";
import { checkHeaderParams, type HeaderParam, headersFor, readHeaderParams } from "../../src/protocol/header-params.ts";
import { RpcFailure } from "../../src/protocol/rpc-failure.ts";

const annotated = (header: unknown, extra: object = {}) => ({ type: "string", "x-mcp-header": header, ...extra });
const schemaOf = (properties: object, extra: object = {}) => ({ type: "object", properties, ...extra });

function linesOf(headers: Readonly<Record<string, string>>): HeaderLines {
  return new HeaderLines(
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${encodeHeaderValue(value)}\r\n`)
      .join(""),
  );
}

describe("readHeaderParams", () => {
  it("finds the arguments that are annotated, however deep objects are nested", () => {
    const schema = schemaOf({
      region: annotated("Region"),
      count: { type: "integer", "x-mcp-header": "Count" },
      other: { type: "string" },
      deep: schemaOf({ flag: { type: "boolean", "x-mcp-header": "Flag" } }),
    });
    expect(readHeaderParams(schema)).toEqual([
      { header: "Mcp-Param-Region", path: ["region"] },
      { header: "Mcp-Param-Count", path: ["count"] },
      { header: "Mcp-Param-Flag", path: ["deep", "flag"] },
    ]);
  });

  it.each([
    ["an empty name", schemaOf({ a: annotated("") })],
    ["a name that is no token", schemaOf({ a: annotated("My Region") })],
    ["a name with a line end", schemaOf({ a: annotated("A\r\nB") })],
    ["a name that is no text", schemaOf({ a: annotated(1) })],
    ["a fraction, which can be written in several ways", schemaOf({ a: annotated("A", { type: "number" }) })],
    ["an object", schemaOf({ a: annotated("A", { type: "object" }) })],
    ["a list", schemaOf({ a: annotated("A", { type: "array" }) })],
    ["the same name twice", schemaOf({ a: annotated("A"), b: annotated("a") })],
    ["an argument that only some calls have", schemaOf({}, { anyOf: [schemaOf({ a: annotated("A") })] })],
    ["an element of a list", schemaOf({ a: { type: "array", items: annotated("A") } })],
  ])("takes no tool with %s", (_, schema) => {
    expect(readHeaderParams(schema)).toBeUndefined();
  });

  it("takes the annotation for data where it is no schema", () => {
    const schema = schemaOf({
      a: { type: "object", default: { "x-mcp-header": "A" }, examples: [{ "x-mcp-header": "B" }] },
      "x-mcp-header": { type: "string" },
    });
    expect(readHeaderParams(schema)).toEqual([]);
  });
});

const argument = fc.oneof(fc.string({ unit: "binary" }), fc.maxSafeInteger(), fc.boolean());
const PARAMS: readonly HeaderParam[] = [
  { header: "Mcp-Param-A", path: ["a"] },
  { header: "Mcp-Param-B", path: ["b", "c"] },
];
const args = fc.record(
  { a: fc.option(argument), b: fc.record({ c: argument }, { requiredKeys: [] }) },
  { requiredKeys: [] },
);

describe("the headers of a call", () => {
  it("are those that the check expects, whatever the arguments", () => {
    fc.assert(
      fc.property(args, (given) => {
        expect(() => checkHeaderParams(PARAMS, given, linesOf(headersFor(PARAMS, given)))).not.toThrow();
      }),
    );
  });

  it("are refused as soon as they say anything else than the body", () => {
    fc.assert(
      fc.property(args, args, (said, given) => {
        const [header, body] = [headersFor(PARAMS, said), headersFor(PARAMS, given)];
        fc.pre(JSON.stringify(header) !== JSON.stringify(body));
        const check = () => checkHeaderParams(PARAMS, given, linesOf(header));
        expect(check).toThrow(RpcFailure);
        expect(check).toThrow(/^Header mismatch: Mcp-Param-/);
      }),
    );
  });

  it("have none for what is absent or null", () => {
    expect(headersFor(PARAMS, { a: null, b: {} })).toEqual({});
    expect(headersFor(PARAMS, undefined)).toEqual({});
    expect(headersFor([{ header: "Mcp-Param-A", path: ["constructor", "name"] }], {})).toEqual({});
  });
});
