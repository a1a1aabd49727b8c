import { describe, expect, it } from "vitest";
import { askableOf, requireAskable } from "../../src/protocol/client-capabilities.ts";

describe("askableOf", () => {
  it("keeps what clients can be asked for, as they declared it", () => {
    const elicitation = { form: { applyDefaults: true }, url: {} };
    const declared = { elicitation, roots: { listChanged: true }, sampling: null, tasks: {}, extensions: {} };
    expect(askableOf(declared)).toEqual({ elicitation, roots: { listChanged: true } });
  });

  it.each([undefined, null, [], "x", {}, { sampling: true }])("finds nothing in %j", (declared) => {
    expect(askableOf(declared)).toBeUndefined();
  });
});

describe("requireAskable", () => {
  it.each([
    [{ elicitation: {} }, "elicitation/create", {}],
    [{ elicitation: { form: {} } }, "elicitation/create", { mode: "form" }],
    [{ elicitation: { url: {} } }, "elicitation/create", { mode: "url" }],
    [{ sampling: {} }, "sampling/createMessage", {}],
    [{ sampling: { tools: {} } }, "sampling/createMessage", { tools: [] }],
    [{ roots: {} }, "roots/list", {}],
  ])("lets a client with %j be asked %s %j", (capabilities, method, params) => {
    expect(() => requireAskable(capabilities, method, params)).not.toThrow();
  });

  it.each([
    [{}, "elicitation/create", {}],
    [{ elicitation: {} }, "elicitation/create", { mode: "url" }],
    [{ elicitation: { url: {} } }, "elicitation/create", {}],
    [{ sampling: {} }, "sampling/createMessage", { tools: [] }],
    [{ elicitation: {} }, "roots/list", {}],
    [{ elicitation: {}, sampling: {}, roots: {} }, "tools/call", {}],
    [{ elicitation: {} }, "toString", {}],
  ])("lets no client with %j be asked %s %j", (capabilities, method, params) => {
    expect(() => requireAskable(capabilities, method, params)).toThrow(/The client does not answer/);
  });
});
