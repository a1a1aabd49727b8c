import { McpctlError } from "@mcpctl/shared/errors.ts";

export function malformed(why: string): McpctlError {
  return new McpctlError("upstream-protocol", `The answer is no HTTP/1.1: ${why}`);
}
