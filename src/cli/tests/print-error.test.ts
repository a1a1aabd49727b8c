import { ERROR_CODES, type ErrorCode, McpctlError } from "@mcpctl/shared/errors.ts";
import { describe, expect, it } from "vitest";
import { type ErrorStyle, printError } from "../src/print-error.ts";
import { createTestIo } from "./fakes/test-io.ts";

function print(thrown: unknown, style: Partial<ErrorStyle> = {}) {
  const { io, out, err } = createTestIo();
  const code = printError(io, thrown, { isJson: false, isDebug: false, ...style });
  expect(out).toEqual([]);
  return { code, err };
}

describe("printError", () => {
  it("says what failed, in which fields, and what to do", () => {
    const error = new McpctlError("invalid", "The request body is invalid", {
      hint: "Look again",
      fields: [{ path: "spec.url", message: "must be a URL" }],
    });
    expect(print(error)).toEqual({
      code: 2,
      err: ["Error (invalid): The request body is invalid", "  spec.url: must be a URL", "Hint: Look again"],
    });
  });

  it("does not say a field twice", () => {
    const fields = [{ path: "a.yaml:1:1", message: "kind: is required" }];
    expect(print(new McpctlError("invalid", "a.yaml:1:1: kind: is required", { fields })).err).toHaveLength(1);
  });

  it("exits as the table of codes says", () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      expect(print(new McpctlError(code, "x")).code).toBe(ERROR_CODES[code].exit);
    }
  });

  it("is one line of JSON for programs", () => {
    const error = new McpctlError("conflict", "stale\n\u009b", { fields: [{ path: "a", message: "b" }] });
    const { code, err } = print(error, { isJson: true });
    expect(err).toEqual([
      '{"error":{"code":"conflict","message":"stale\\n\\u009b","fields":[{"path":"a","message":"b"}]}}',
    ]);
    expect(code).toBe(7);
  });

  it("keeps the text of a server on its line", () => {
    const error = new McpctlError("internal", "x\u001b[2J\ny", {
      hint: "\u001b]0;title\u0007h",
      fields: [{ path: "p\n", message: "m" }],
    });
    expect(print(error).err.join("|")).toBe("Error (internal): x y|  p : m|Hint: h");
  });

  it("names the object unless the message does", () => {
    expect(print(new McpctlError("forbidden", "no"), { about: "server/a" }).err).toEqual([
      "Error (forbidden): server/a: no",
    ]);
    expect(print(new McpctlError("not-found", 'server "a" not found'), { about: "server/a" }).err).toEqual([
      'Error (not-found): server "a" not found',
    ]);
  });

  it("asks to report what it did not expect, and shows the stack only when asked", () => {
    const bug = new TypeError("x is undefined", { cause: new Error("deeper") });
    expect(print(bug)).toEqual({
      code: 1,
      err: [
        "Error (internal): Unexpected TypeError: x is undefined",
        "Hint: This is a bug in mcpctl. Please report it with what the same command prints with --debug",
      ],
    });
    const { err } = print(bug, { isDebug: true });
    expect(err.join("\n")).toMatch(/TypeError: x is undefined\n\s+at .*\nCaused by:\nError: deeper/s);
    expect(print("a string").err[0]).toBe("Error (internal): Unexpected a string");
  });
});
