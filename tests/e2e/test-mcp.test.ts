import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Stack, startStack } from "./support/stack.ts";
import { verifies } from "./support/verifies.ts";

const CALL = ["--call", 'everything__echo={"message":"hi"}', "--expect-tool", "files__read_text_file"];

describe("mcpctl test mcp against our own gateway", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  verifies("test:own-gateway", async () => {
    const env = { MCPCTL_MCP_TOKEN: stack.up.token };
    const { stdout, exitCode, stderr } = await stack.mcpctl(
      ["test", "mcp", stack.up.gateway, "--strict", "-o", "json", ...CALL],
      { env },
    );
    const report = JSON.parse(stdout) as { revisions: string[]; checks: { id: string; status: string }[] };
    const failed = report.checks.filter(({ status }) => status === "fail");
    expect({ failed, exitCode, stderr }).toEqual({ failed: [], exitCode: 0, stderr: "" });
    expect(report.revisions).toEqual(["2026-07-28", "2025-11-25"]);
  });

  verifies("test:minted-token", async () => {
    const tested = await stack.mcpctl(["test", "mcp", stack.up.gateway, "-p", "demo"]);
    expect({ ...tested, stdout: "" }).toEqual({ stdout: "", stderr: "", exitCode: 0 });
    expect(tested.stdout).toMatch(/ 0 failed,/);
    const { stdout: left } = await stack.mcpctl(["get", "mcptokens", "-p", "demo", "-o", "name"]);
    expect(left).not.toContain("mcptoken/test-");
    const refused = await stack.mcpctl(["test", "mcp", stack.up.gateway]);
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain("Error (unauthenticated): 1 of ");
  });
});
